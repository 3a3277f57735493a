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
    for window in store.list_windows(GRAMMARS):
        language = _find_language(window, workspace)
        if language in GRAMMARS:
            reasons[window.path] = _explain(language)
    return [Skipped(path, reason) for path, reason in reasons.items()]


def _find_language(window: Location, workspace: Workspace) -> str:
    """Return the language of a window of lines: of its cell in a notebook, else of the file; "" if unknown."""
    if not is_notebook(window.path):
        return window.language
    cell = find_cell(workspace.cells(window.path), window.span.start)
    return cell.language if cell else ""


def _explain(language: str) -> str:
    """Return the reason why a file in this language has not been parsed."""
    if load_syntax(language) is None:
        return f"the grammar for {language} can't be loaded; run codekin doctor"
    return _TOO_COSTLY
