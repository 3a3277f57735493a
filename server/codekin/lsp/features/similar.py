"""What is like this code?"""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol.types import Range

from codekin.errors import QueryError
from codekin.lsp.convert import to_line_span, to_path
from codekin.lsp.features.show import show_answer
from codekin.lsp.locations import to_answer_json
from codekin.lsp.messages import EMPTY_ANSWER, AnswerJson
from codekin.lsp.request_params import FindSimilarParams, ScopeParams
from codekin.lsp.scheduler import Priority
from codekin.lsp.views import view_of
from codekin.types import Answer, Cancel, Filter, Skipped

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer

_EDITORS_NAMES = {"javascriptreact": "javascript", "typescriptreact": "tsx", "shellscript": "bash", "makefile": "make"}


async def find_similar(server: "CodekinServer", params: FindSimilarParams) -> AnswerJson:
    """Answers from what is indexed; raises QueryError where there is no such code."""
    documents = server.protocol.workspace
    document, path = documents.find_open(params.uri), documents.file_of(params.uri)
    answer = await server.session.run_query(Priority.REQUEST, partial(_ask, params, document, path))
    if answer is None:
        return EMPTY_ANSWER
    if params.show:
        await show_answer(server, answer, "similar")
    return to_answer_json(answer, server.protocol.workspace)


def to_filter(scope: ScopeParams) -> Filter:
    """The scope as the engine has it. Raises QueryError."""
    from codekin.code.languages import find_language

    language, folder = scope.language, None
    if language is not None:
        language = find_language(_EDITORS_NAMES.get(language, language))
    if scope.folder is not None:
        folder = to_path(scope.folder) or Path(scope.folder)
        if not folder.is_absolute() or "\0" in str(folder):
            raise QueryError(f"{scope.folder} is no folder. Name it by its file: URI, or by its absolute path.")
        folder = Path(os.path.realpath(folder))
    return Filter(language, folder)


def _ask(
    params: FindSimilarParams, document: "TextDocument | None", path: Path | None, engine: "Engine", cancel: Cancel
) -> Answer:
    """On a thread."""
    limit, scope = params.scope.limit or engine.settings.search.limit, to_filter(params.scope)
    if params.text is not None:
        return engine.find_similar_to_code(params.text, limit, within=scope, cancel=cancel)
    if path is not None:
        view = view_of(engine, path, params.uri)
        if view is not None:
            return engine.find_similar(view.path, view.span(params.asked), limit, within=scope, cancel=cancel)
        path = engine.resolve_path(path)
        if document is None or isinstance(engine.read_document(path), Skipped):  # the engine says why
            return engine.find_similar(path, to_line_span(params.asked, 1), limit, within=scope, cancel=cancel)
    if document is None:
        raise QueryError(f"{params.uri} is not open, so its text is not known. Open it, or send the text.")
    if refused := engine.check_text_size(Path(params.uri), document.source):
        raise QueryError(f"{params.uri} is too large: {refused.reason}. Send the code as text.")
    language = _EDITORS_NAMES.get(document.language_id or "", document.language_id or "")
    code = _asked_code(document.source, language, params.asked)
    return engine.find_similar_to_code(code, limit, language=language, within=scope, cancel=cancel)


def _asked_code(text: str, language: str, asked: Range) -> str:
    """The code that is meant in a text that is no file: what is selected, or the function at the position."""
    from codekin.code.extract import extract_snippets, find_snippet, split_lines

    lines = split_lines(text)
    span = to_line_span(asked, len(lines))
    if span.end - span.start > 1:
        return "\n".join(lines[span.start : span.end])
    snippet = find_snippet(extract_snippets(text, language), span.start)
    return snippet.text if snippet else ""
