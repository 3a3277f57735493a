"""What is like this code?"""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol.types import Range

from codekin.errors import QueryError
from codekin.lsp.convert import lines_of, path_of
from codekin.lsp.features.show import show
from codekin.lsp.locations import answer_json
from codekin.lsp.parameters import FindSimilar, Scope
from codekin.lsp.protocol import NO_ANSWER, AnswerJson
from codekin.lsp.questions import Kind
from codekin.lsp.views import view_of
from codekin.types import Answer, Cancel, Filter, Skipped

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_EDITORS_NAMES = {"javascriptreact": "javascript", "typescriptreact": "tsx", "shellscript": "bash", "makefile": "make"}


async def find_similar(server: "CodekinServer", params: FindSimilar) -> AnswerJson:
    """Answers from what is indexed; raises QueryError where there is no such code."""
    documents = server.protocol.workspace
    document, path = documents.find(params.uri), documents.file_of(params.uri)
    answer = await server.session.ask(Kind.ASKED, partial(_ask, params, document, path))
    if answer is None:
        return NO_ANSWER
    if params.show:
        await show(server, answer, "similar")
    return answer_json(answer, server.protocol.workspace)


def within(scope: Scope) -> Filter:
    """The scope as the engine has it. Raises QueryError."""
    from codekin.code.languages import called

    language, folder = scope.language, None
    if language is not None:
        language = called(_EDITORS_NAMES.get(language, language))
    if scope.folder is not None:
        folder = path_of(scope.folder) or Path(scope.folder)
        if not folder.is_absolute() or "\0" in str(folder):
            raise QueryError(f"{scope.folder} is no folder. Name it by its file: URI, or by its absolute path.")
        folder = Path(os.path.realpath(folder))
    return Filter(language, folder)


def _ask(
    params: FindSimilar, document: "TextDocument | None", path: Path | None, engine: "Engine", cancel: Cancel
) -> Answer:
    """On a thread."""
    limit, scope = params.scope.limit or engine.settings.search.limit, within(params.scope)
    if params.text is not None:
        return engine.similar_to(params.text, limit, within=scope, cancel=cancel)
    if path is not None:
        view = view_of(engine, path, params.uri)
        if view is not None:
            return engine.similar(view.path, view.span(params.asked), limit, within=scope, cancel=cancel)
        path = engine.workspace.locate(path)
        if document is None or isinstance(engine.workspace.read(path), Skipped):  # the engine says why
            return engine.similar(path, lines_of(params.asked, 1), limit, within=scope, cancel=cancel)
    if document is None:
        raise QueryError(f"{params.uri} is not open, so its text is not known. Open it, or send the text.")
    if refused := engine.workspace.refuses_size(Path(params.uri), document.source):
        raise QueryError(f"{params.uri} is too large: {refused.reason}. Send the code as text.")
    language = _EDITORS_NAMES.get(document.language_id or "", document.language_id or "")
    code = _asked_code(document.source, language, params.asked)
    return engine.similar_to(code, limit, language=language, within=scope, cancel=cancel)


def _asked_code(text: str, language: str, asked: Range) -> str:
    """The code that is meant in a text that is no file: what is selected, or the function at the position."""
    from codekin.code.extract import extract, snippet_at, split_lines

    lines = split_lines(text)
    span = lines_of(asked, len(lines))
    if span.end - span.start > 1:
        return "\n".join(lines[span.start : span.end])
    snippet = snippet_at(extract(text, language), span.start)
    return snippet.text if snippet else ""
