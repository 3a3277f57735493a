"""Completion is measured at the kinds of places where people stop, beside simple ways to go on with a line."""

from pathlib import Path

import pytest

from codekin.completion.cursor import Cursor
from codekin.evaluation.completion_kinds import (
    LINE,
    LINES,
    PART,
    compare,
    compute_benefit,
    format_table,
    measure_kinds,
)
from codekin.evaluation.kind_cuts import AFTER_COMMENT, AFTER_SIGNATURE, IN_BODY, IN_NAME, KindCut, choose_kind_cuts
from codekin.settings import CacheSettings, Settings
from codekin.workspace.workspace import Document

FUNCTION = """\
def load_{0}(session, {0}_id):
    reply = session.get("/{0}s", params={{"id": {0}_id}})
    # Faults are the caller's.
    reply.raise_for_status()
    return reply.json()["items"]


"""
NAMES = ("user", "order", "parcel", "invoice", "customer", "address", "price", "offer", "return", "voucher")
CUT = KindCut(IN_BODY, Cursor(Path("/a.py"), "", "python", 0, 0), ("reply.close()", "    return reply", ""))
RIGHT_AND_WRONG = ((0.6, "reply.close()"), (0.3, "reply.open()"))


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    for part in range(2):
        (tmp_path / "code" / f"loading_{part}.py").write_text("".join(map(FUNCTION.format, NAMES)), "utf-8")
    return tmp_path / "code"


@pytest.mark.parametrize(
    "text, is_part, expected",
    [
        ("reply.close()", False, (LINE, True, True, 5, 5, 13, 13)),
        ("reply.close()\n    return reply", False, (LINES, True, True, 8, 8, 25, 25)),
        ("reply.close()\n    return None", False, (LINES, True, False, 8, 7, 24, 13)),
        ("reply.open()", False, (LINE, False, False, 5, 2, 12, 0)),
        ("reply.", True, (PART, False, True, 2, 2, 6, 6)),
        ("session.", True, (PART, False, False, 2, 0, 8, 0)),
    ],
)
def test_what_is_shown_is_compared_with_what_stood_there(text: str, is_part: bool, expected: tuple[object, ...]):
    result = compare(CUT, "codekin", 0.5, text, is_part=is_part)
    assert (
        result.length,
        result.is_first_line_exact,
        result.is_right,
        result.tokens_shown,
        result.tokens_right,
        result.characters_shown,
        result.characters_right,
    ) == expected


def test_cuts_are_where_their_kind_says(root: Path):
    text = (root / "loading_0.py").read_text("utf-8")
    cuts = list(choose_kind_cuts([Document(root / "loading_0.py", text, "python", 0, 0, b"", False)], 4, seed=1))
    kinds = (IN_NAME, IN_BODY, AFTER_COMMENT, AFTER_SIGNATURE, "after .", "after return")
    lines_before: dict[str, list[tuple[str, str]]] = {kind: [] for kind in kinds}
    for cut in cuts:
        lines = cut.cursor.text.split("\n")
        before = lines[cut.cursor.row][: cut.cursor.column]
        assert f"{before}{cut.truth[0]}" in text.split("\n")
        lines_before.setdefault(cut.kind, []).append((lines[cut.cursor.row - 1], before))
    assert all(len(found) == 4 for found in lines_before.values())
    assert all(before.endswith(".") for _, before in lines_before["after ."])
    assert all(above.lstrip().startswith("#") for above, _ in lines_before[AFTER_COMMENT])
    assert all(above.startswith("def ") and not before.strip() for above, before in lines_before[AFTER_SIGNATURE])
    assert all(before[-1].isalnum() or before[-1] == "_" for _, before in lines_before[IN_NAME])


def test_all_systems_are_asked_at_the_same_cuts(root: Path, tmp_path: Path):
    results = measure_kinds(root, Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))), count=2)
    by_system: dict[str, list[str]] = {}
    for result in results:
        by_system.setdefault(result.system, []).append(result.kind)
    assert len({tuple(kinds) for kinds in by_system.values()}) == 1
    assert len(by_system) == 4
    assert sum(result.is_first_line_exact for result in results if result.system == "n-gram") > 5  # twins in a file
    table = format_table([("code", results)], 0.3)
    assert "| **all, one floor** |" in table
    assert "| in a name |" in table


def test_wrong_texts_cost_what_right_ones_save():
    results = [compare(CUT, "codekin", score, text, is_part=False) for score, text in RIGHT_AND_WRONG]
    assert compute_benefit(results, 0.5) == len("reply.close()") - 1
    assert compute_benefit(results, 0.2) == len("reply.close()") - 1 - 5
    assert compute_benefit(results, 0.9) == 0
