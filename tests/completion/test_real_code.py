"""On code that nobody here wrote, and that is on every machine: Python's standard library."""

import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from codekin.completion.completer import Completer
from codekin.completion.cursor import Cursor
from codekin.evaluation.completion import open_temporary_completer
from codekin.evaluation.hold_out import CutCorpus
from codekin.settings import CompletionSettings, Settings

LIBRARY = Path(sysconfig.get_path("stdlib"))
PARTS = (
    "json",
    "email",
    "http",
    "unittest",
    "queue.py",
    "argparse.py",
    "fractions.py",
    "zipfile.py",
    "socketserver.py",
)
CUTS = 80
UNSURE = replace(CompletionSettings(), floor=0.1)


@pytest.fixture(scope="module", name="library")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Completer, CutCorpus]]:
    root = tmp_path_factory.mktemp("library")
    for path in (path for part in PARTS for path in (LIBRARY / part, *(LIBRARY / part).rglob("*.py"))):
        if path.is_file():
            copy = root / path.relative_to(LIBRARY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with open_temporary_completer(root, Settings()) as completer_made:
        yield completer_made


def compiles(text: str) -> bool:
    try:
        compile(text, "cut.py", "exec")
    except SyntaxError:
        return False
    return True


def test_a_file_that_compiled_compiles_with_what_is_suggested(library: tuple[Completer, CutCorpus]):
    """A function is cut at one of its statements and left out, with all that is like it."""
    completer, corpus = library
    broken, offered = [], 0
    for cut in corpus.choose_cuts(CUTS, seed=1):
        without = frozenset(corpus.hashes[number] for number in cut.excluded)
        cursor = Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)
        for completion in completer.complete(cursor, UNSURE, Event(), without):
            lines = cut.text.split("\n")
            lines[cut.row] = lines[cut.row][: cut.column] + completion.text + lines[cut.row][cut.column :]
            if completion.text.endswith(":"):  # a header, whose block is written next
                lines[cut.row] += " pass"
            offered += 1
            if compiles(cut.text) and not compiles("\n".join(lines)):
                broken.append((cut.path.name, cut.row, completion.text))
    assert not broken
    assert offered > CUTS / 10


def test_a_subclass_goes_on_as_its_sisters_do(library: tuple[Completer, CutCorpus]):
    """queue.PriorityQueue and queue.LifoQueue begin like this."""
    completer, corpus = library
    path = next(path for path in corpus.documents if path.name == "queue.py")
    text = path.read_text("utf-8") + "\n\nclass Stack(Queue):\n    def _init(self, maxsize):\n        "
    lines = text.split("\n")
    cursor = completer.make_cursor(path, text, len(lines) - 1, 8)
    (completions,) = completer.complete(cursor, CompletionSettings(), Event())
    assert completions.text == "self.queue = []"
    assert compiles(text + completions.text)
