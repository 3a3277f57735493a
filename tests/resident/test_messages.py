"""What a resident process sends is what it found, and who asks it imports nothing heavy."""

import json
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codekin.resident.messages import answer_from_message, answer_to_message
from codekin.types import Answer, Cell, Hit, Kinship, Location, SnippetKind, Span

NAMES = st.text(max_size=8)
PATHS = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=8).map(lambda name: Path("/", name))
SPANS = st.builds(Span, st.integers(0, 99), st.integers(100, 200))
CELLS = st.none() | st.builds(
    Cell, st.integers(0, 9), NAMES, NAMES, SPANS, st.lists(st.integers(0, 99)).map(tuple), NAMES
)
PLACES = st.builds(
    Location, PATHS, SPANS, NAMES, NAMES, st.sampled_from(SnippetKind), NAMES, st.integers(0, 99), st.integers(0, 3),
    st.integers(1, 2**62),
)  # fmt: skip
SCORES = st.floats(0, 1)
HITS = st.builds(Hit, PLACES, SCORES, NAMES, st.none() | st.sampled_from(Kinship), st.text(max_size=30), SCORES, CELLS)
ASKED = st.none() | st.tuples(PATHS, SPANS)


@given(st.builds(Answer, st.lists(HITS, max_size=3).map(tuple), SCORES, SCORES, ASKED, CELLS))
def test_an_answer_survives_the_way(answer: Answer):
    assert answer_from_message(json.loads(json.dumps(answer_to_message(answer)))) == answer


def test_who_asks_imports_nothing_heavy():
    heavy = "{'numpy', 'sqlite3', 'tree_sitter', 'tokenizers', 'hnswlib', 'filelock', 'rich', 'asyncio'}"
    code = f"import sys, codekin.cli.query, codekin.resident.client; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
