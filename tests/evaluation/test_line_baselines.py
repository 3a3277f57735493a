"""Simple ways to go on with a line copy what followed the longest run of equal tokens, up to the line's end."""

from pathlib import Path

import pytest

from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.cursor_line import CursorReader
from codekin.completion.line_tokens import TokenVocabulary
from codekin.completion.suffix_index import build_suffix_index
from codekin.completion.workspace_tokens import TokenSnapshot
from codekin.evaluation.hold_out import CutCorpus
from codekin.evaluation.line_baselines import propose_by_bm25
from codekin.settings import IndexSettings
from codekin.workspace.workspace import Workspace


@pytest.mark.parametrize("source", ["open(door, key);\nclose(door);\n", "open(door, key); /* start"])
def test_the_most_similar_code_is_copied_up_to_the_line_end_or_its_last_token(tmp_path: Path, source: str):
    (tmp_path / "door.js").write_text(source, "utf-8")
    text = "open(door, "
    context = read_context(Cursor(Path("/house.js"), text, "javascript", 0, len(text)))
    snapshot = TokenSnapshot(TokenVocabulary(), build_suffix_index([]), (), (), ())
    reading = CursorReader().read(context, snapshot, [], frozenset())
    assert reading is not None
    (proposal,) = propose_by_bm25(CutCorpus(Workspace([tmp_path], IndexSettings())), [reading])
    assert proposal is not None
    assert proposal.text == "key);"
