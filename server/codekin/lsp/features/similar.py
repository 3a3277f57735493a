"""Answer codekin/findSimilar: what else looks like this code?"""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol.types import Range

from codekin.errors import QueryError
from codekin.lsp.client import Client
from codekin.lsp.convert import to_line_span, to_path
from codekin.lsp.features.show import show_answer
from codekin.lsp.locations import to_answer_json
from codekin.lsp.messages import EMPTY_ANSWER, AnswerJson
from codekin.lsp.request_params import FindSimilarParams, ScopeParams
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.views import open_view
from codekin.types import Answer, Cancel, Filter, Skipped, SnippetKind, Span

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from codekin.engine import Engine

LANGUAGES_BY_EDITOR_ID = {  # VS Code's ids and Vim's filetypes that are neither ids of ours nor file endings
    "arduino": "cpp",
    "basic": "visualbasic",
    "cuda": "cpp",
    "cuda-cpp": "cpp",
    "dosbatch": "batch",
    "eelixir": "elixir",
    "epuppet": "puppet",
    "eruby": "html",
    "gdshader": "glsl",
    "handlebars": "html",
    "htmldjango": "html",
    "idlang": "prolog",  # by the same ending
    "javascriptreact": "javascript",
    "lhaskell": "haskell",
    "makefile": "make",
    "matlab": "objective-c",  # by the same ending
    "objc": "objective-c",
    "objcpp": "objective-c",
    "objective-cpp": "objective-c",
    "pyrex": "cython",
    "shellscript": "bash",
    "stylus": "css",
    "terraform-vars": "terraform",
    "tiltfile": "starlark",
    "typescriptreact": "tsx",
}


async def find_similar(client: Client, session: Session, params: FindSimilarParams) -> AnswerJson:
    """Return similar code, the team's too, as a dict for JSON; show it if asked to. Raises QueryError if unreadable."""
    document = session.documents.find_open_document(params.uri)
    file_path = session.documents.find_file(params.uri)
    answer = await session.run_query(Priority.REQUEST, partial(_find_similar, params, document, file_path))
    if answer is None:
        return EMPTY_ANSWER
    if params.show:
        await show_answer(client, session.documents, answer, "similar")
    return to_answer_json(answer, session.documents)


def to_filter(scope: ScopeParams) -> Filter:
    """Return the scope as a filter that admits the team's index, the folder's links resolved. Raises QueryError."""
    from codekin.code.languages import find_language

    languages = tuple(find_language(LANGUAGES_BY_EDITOR_ID.get(language, language)) for language in scope.languages)
    folder_path = None
    if scope.folder is not None:
        folder_path = to_path(scope.folder) or Path(scope.folder)
        if not folder_path.is_absolute() or "\0" in str(folder_path):
            raise QueryError(f"{scope.folder} is no folder. Name it by its file: URI, or by its absolute path.")
        folder_path = Path(os.path.realpath(folder_path))
    unknown_kinds = [kind for kind in scope.kinds if kind not in list(SnippetKind)]
    if unknown_kinds:
        raise QueryError(f"{unknown_kinds[0]} is no kind of code. Name one of {', '.join(SnippetKind)}.")
    kinds = tuple(map(SnippetKind, scope.kinds))
    return Filter(languages, folder_path, scope.paths, scope.excluded_paths, kinds, scope.tests, team=True)


def _find_similar(
    params: FindSimilarParams,
    document: "TextDocument | None",
    file_path: Path | None,
    engine: "Engine",
    cancel_event: Cancel,
) -> Answer:
    """Find code like the params' text, else like the selection, also unsaved. On a thread. Raises QueryError."""
    limit, hit_filter = params.scope.limit or engine.settings.search.limit, to_filter(params.scope)

    def find_by_code(code: str, language: str = "") -> Answer:
        """Find code similar to this text."""
        return engine.find_similar_to_code(
            code, limit, language=language, hit_filter=hit_filter, cancel_event=cancel_event
        )

    def find_in_file(path: Path, line_span: Span) -> Answer:
        """Find code similar to these lines of a file."""
        return engine.find_similar(path, line_span, limit, hit_filter=hit_filter, cancel_event=cancel_event)

    if params.text is not None:
        return find_by_code(params.text)
    if file_path is not None:
        view = open_view(engine, file_path, params.uri)
        if view is not None:
            return find_in_file(view.path, view.to_document_lines(params.selection))
        file_path = engine.resolve_path(file_path)
        if document is None or isinstance(engine.read_document(file_path), Skipped):
            return find_in_file(file_path, to_line_span(params.selection, 1))  # which raises the reason
    if document is None:
        raise QueryError(f"{params.uri} is not open, so its text is not known. Open it, or send the text.")
    if refusal := engine.check_text_size(Path(params.uri), document.source):
        raise QueryError(f"{params.uri} is too large: {refusal.reason}. Send the code as text.")
    language = LANGUAGES_BY_EDITOR_ID.get(document.language_id or "", document.language_id or "")
    return find_by_code(_extract_code(document.source, language, params.selection), language)


def _extract_code(document_text: str, language: str, selection: Range) -> str:
    """Return the selected lines of a text that is no file, if several, else the function at the cursor; "" for none."""
    from codekin.code.extract import extract_snippets, find_snippet, split_lines

    document_lines = split_lines(document_text)
    line_span = to_line_span(selection, len(document_lines))
    if line_span.end - line_span.start > 1:
        return "\n".join(document_lines[line_span.start : line_span.end])
    snippet = find_snippet(extract_snippets(document_text, language), line_span.start)
    return snippet.text if snippet else ""
