"""Find the files that are indexed as windows of lines although codekin has a grammar for their language."""

from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.grammars import GRAMMARS
from codekin.code.notebooks import is_notebook
from codekin.code.parsing import load_syntax
from codekin.storage.store import Store
from codekin.types import Location, Skipped
from codekin.workspace.workspace import Workspace

_TOO_COSTLY = "parsing it takes too much time or memory"


def list_unparsed(store: Store, workspace: Workspace) -> list[Skipped]:
    """Return the files indexed as windows of lines although there is a grammar, by path, each with the reason.

    They are searched, but none of their functions is known. Reads notebooks, to learn the languages of their cells.
    """
    reasons: dict[Path, str] = {}
    for line_window in store.list_windows(GRAMMARS):
        language = _find_language(line_window, workspace)
        if language in GRAMMARS:
            reasons[line_window.path] = _explain(language)
    return [Skipped(source_path, parse_failure) for source_path, parse_failure in reasons.items()]


def _find_language(line_window: Location, workspace: Workspace) -> str:
    """Return the language of a window of lines: of its cell in a notebook, else of the file; "" if unknown."""
    if not is_notebook(line_window.path):
        return line_window.language
    notebook_cell = find_cell(workspace.cells(line_window.path), line_window.span.start)
    return notebook_cell.language if notebook_cell else ""


def _explain(language: str) -> str:
    """Return the reason why a file in this language has not been parsed."""
    if load_syntax(language) is None:
        return f"the grammar for {language} can't be loaded; run codekin doctor"
    return _TOO_COSTLY
