"""Where is the code that does this?"""

from functools import partial
from typing import TYPE_CHECKING

from codekin.lsp.features.show import show
from codekin.lsp.features.similar import within
from codekin.lsp.locations import answer_json
from codekin.lsp.parameters import Search
from codekin.lsp.protocol import NO_ANSWER, AnswerJson
from codekin.lsp.questions import Kind
from codekin.types import Answer, Cancel

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer


async def search(server: "CodekinServer", params: Search) -> AnswerJson:
    """Answers from what is indexed."""
    answer = await server.session.ask(Kind.ASKED, partial(_ask, params))
    if answer is None:
        return NO_ANSWER
    if params.show:
        await show(server, answer, "found")
    return answer_json(answer, server.protocol.workspace)


def _ask(params: Search, engine: "Engine", cancel: Cancel) -> Answer:
    """On a thread."""
    limit = params.scope.limit or engine.settings.search.limit
    return engine.search(params.query, limit, within=within(params.scope), cancel=cancel)
