"""A sample of the index finds itself, and is no larger than asked."""

from pathlib import Path

import pytest

from ..engines import open_engine


@pytest.mark.parametrize("sample_size", [1, 4, 5, 6, 7, 50])
def test_no_more_contents_are_searched_than_asked(tmp_path: Path, sample_size: int):
    root = tmp_path / "project"
    root.mkdir()
    for number in range(7):
        (root / f"brew{number}.py").write_text(f"def brew_{number}(beans):\n    return beans.ground({number})\n")
    with open_engine(root, cache=tmp_path / "cache") as (engine, _):
        searched_count, lost_places = engine.check_findable(sample_size)
    assert 1 <= searched_count <= sample_size
    assert lost_places == []
