"""Answer codekin/search: where is the code that does this?"""

from functools import partial
from typing import TYPE_CHECKING

from codekin.lsp.client import Client
from codekin.lsp.features.show import show_answer
from codekin.lsp.features.similar import to_filter
from codekin.lsp.locations import to_answer_json
from codekin.lsp.messages import EMPTY_ANSWER, AnswerJson
from codekin.lsp.request_params import SearchParams
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.types import Answer, Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine


async def search_code(client: Client, session: Session, params: SearchParams) -> AnswerJson:
    """Return hits as a dict for JSON, and show them if asked to; no hits without an engine. Raises QueryError."""
    answer = await session.run_query(Priority.REQUEST, partial(_search_index, params))
    if answer is None:
        return EMPTY_ANSWER
    if params.show:
        await show_answer(client, session.documents, answer, "found")
    return to_answer_json(answer, session.documents)


def _search_index(params: SearchParams, engine: "Engine", cancel_event: Cancel) -> Answer:
    """Search workspace and team's index for the query within scope and limit. On a thread. Raises QueryError."""
    limit = params.scope.limit or engine.settings.search.limit
    return engine.search(params.query, limit, hit_filter=to_filter(params.scope), cancel_event=cancel_event)
