"""Where is the code that does this?"""

from functools import partial
from typing import TYPE_CHECKING

from codekin.lsp.features.show import show_answer
from codekin.lsp.features.similar import to_filter
from codekin.lsp.locations import to_answer_json
from codekin.lsp.messages import EMPTY_ANSWER, AnswerJson
from codekin.lsp.request_params import SearchParams
from codekin.lsp.scheduler import Priority
from codekin.types import Answer, Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer


async def search(server: "CodekinServer", params: SearchParams) -> AnswerJson:
    """Answers from what is indexed."""
    answer = await server.session.run_query(Priority.REQUEST, partial(_ask, params))
    if answer is None:
        return EMPTY_ANSWER
    if params.show:
        await show_answer(server, answer, "found")
    return to_answer_json(answer, server.protocol.workspace)


def _ask(params: SearchParams, engine: "Engine", cancel: Cancel) -> Answer:
    """On a thread."""
    limit = params.scope.limit or engine.settings.search.limit
    return engine.search(params.query, limit, within=to_filter(params.scope), cancel=cancel)
