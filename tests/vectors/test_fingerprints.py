"""Structures in memory: whatever order they came in, they answer as comparing all of them one by one would."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.code.fingerprints import SKETCH_BYTES, Fingerprints
from codekin.code.lines import hash_content
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.store import Store
from codekin.types import SnippetKind, Span
from codekin.vectors import fingerprints as module
from codekin.vectors.fingerprints import FingerprintIndex

RENAMED = 0.99

digests = st.integers(1, 4).map(lambda number: number.to_bytes(8, "little"))
sketches = st.lists(st.integers(0, 2), min_size=SKETCH_BYTES, max_size=SKETCH_BYTES).map(bytes)
whole = st.builds(Fingerprints, digests, digests, sketches)
found = whole | st.builds(Fingerprints, digests, st.just(b""), st.just(b""))


def likeness(query: Fingerprints, candidate: Fingerprints) -> float:
    if query.exact == candidate.exact:
        return 1.0
    if not query.sketch:
        return 0.0
    if query.renamed == candidate.renamed:
        return RENAMED
    other_sketch = candidate.sketch or bytes(SKETCH_BYTES)  # as zeros: equal by chance only
    equal = sum(a == b for a, b in zip(query.sketch, other_sketch, strict=True)) / SKETCH_BYTES
    return min(max((equal - 1 / 256) / (1 - 1 / 256), 0.0), RENAMED)


@settings(max_examples=60)
@given(st.lists(st.lists(found, max_size=6), max_size=4), found, st.sets(st.integers(1, 30)), st.integers(1, 7))
def test_all_are_compared_however_they_came(parts, query: Fingerprints, kept: set[int], block: int) -> None:
    structures, rows, number = FingerprintIndex(), {}, 0
    before, module._CONTENTS_PER_BLOCK = module._CONTENTS_PER_BLOCK, block  # so that a few contents make several blocks
    try:
        for part in parts:
            numbered = [(number := number + 2, fingerprints.pack()) for fingerprints in part]
            rows |= {label: fingerprints for (label, _), fingerprints in zip(numbered, part, strict=True)}
            structures = structures.add_rows(numbered)
        assert (len(structures), structures.newest) == (len(rows), max(rows, default=0))
        remaining = structures.remove_contents(np.array(sorted(rows.keys() - kept), np.int64))
    finally:
        module._CONTENTS_PER_BLOCK = before
    for expected_rows, some in ((structures, rows), (remaining, {n: row for n, row in rows.items() if n in kept})):
        labels, scores = expected_rows.find_similar(query, 0.0, RENAMED)
        got = dict(zip(labels.tolist(), scores.tolist(), strict=True))
        assert got.keys() == some.keys()
        assert all(abs(got[n] - likeness(query, row)) < 1e-5 for n, row in some.items())
        allowed, _ = expected_rows.find_similar(query, 0.5, RENAMED, np.array(sorted(kept), np.int64))
        assert set(allowed.tolist()) == {n for n in got if got[n] >= 0.5 and n in kept}


def test_the_store_keeps_structures_with_the_contents(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache" / "w.sqlite")
    packed = [b"\1" * (16 + SKETCH_BYTES), b"\2" * 8, None]
    rows = tuple(
        SnippetRecord(
            name="f",
            qualified_name="f",
            kind=SnippetKind.FUNCTION,
            span=Span(i, i + 1),
            name_line=i,
            part=0,
            content_hash=hash_content(str(i)),
            words="f",
            fingerprints=fingerprints,
        )
        for i, fingerprints in enumerate(packed)
    )
    store.replace_files([FileRecord(Path("/w/a.py"), "python", FileState(1, 1, b"h", False), rows)])
    numbers = {key: number for number, key in store.contents_after(0)}
    kept = dict(store.fingerprints_after(0))
    assert kept == {numbers[row.content_hash]: row.fingerprints for row in rows if row.fingerprints}
    assert store.fingerprints_after(max(numbers.values())) == []
    assert store.content_ids() == sorted(numbers.values())
    store.close()
