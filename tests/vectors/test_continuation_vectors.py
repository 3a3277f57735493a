"""Continuations' vectors: a byte a number, and still the nearest is the nearest."""

from contextlib import closing
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.storage.vector_store import VectorStore
from codekin.types import Role, Snippet, SnippetKind, Span, Task
from codekin.vectors.continuation_vectors import (
    BYTE_SCALE,
    DIM,
    ROW,
    ContinuationVectors,
    continuation_space,
    embed_continuations,
    to_bytes,
    truncate_vectors,
)


def snippet(text: str, borders: tuple[int, ...]) -> Snippet:
    return Snippet(
        "f", "f", SnippetKind.FUNCTION, "python", Span(0, text.count("\n") + 1), 0, "", text, borders=borders
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_cosines_are_kept_to_a_hundredth(seed: int, count: int) -> None:
    lot = np.random.default_rng(seed)
    rows = truncate_vectors(lot.normal(size=(2 * count, DIM)).astype(np.float32))
    vectors_kept = ContinuationVectors().add_rows(range(count), rows.reshape(count, ROW) / np.float32(2**0.5))
    question = truncate_vectors(lot.normal(size=(1, DIM)).astype(np.float32))[0]
    exact = (rows @ question).reshape(count, 2).max(axis=1)
    assert np.abs(vectors_kept.find_cosines(question) - exact).max() < 0.015


def test_a_function_s_continuation_is_near_the_start_it_belongs_to() -> None:
    embedder = load_embedder(ModelSettings())
    parse = (
        "def parse_date(text):\n    match = DATE.fullmatch(text)\n    if match is None:\n        raise ValueError(text)"
    )
    send = "def send_mail(server, letter):\n    server.connect()\n    server.deliver(letter)\n    server.quit()"
    rows = embed_continuations([snippet(parse, (1, 2)), snippet(send, (1, 2, 3))], embedder)
    vectors_kept = ContinuationVectors().add_rows([7, 9], rows)
    (question,) = truncate_vectors(
        embedder.embed(["def send_letter(server, letter):"], Task.CODE2COMPLETION, Role.QUERY)
    )
    assert vectors_kept.labels[vectors_kept.find_cosines(question).argmax()] == 9
    assert vectors_kept.remove_contents(np.array([3, 9])).labels.tolist() == [7]


def test_the_space_is_no_other_s() -> None:
    embedder = load_embedder(ModelSettings())
    assert "Candidate completion:" in continuation_space(embedder)
    assert continuation_space(embedder) not in {embedder.space(task) for task in Task}


def test_rows_come_back_from_the_store_as_they_are_in_memory(tmp_path: Path) -> None:
    """Whether they were stored as int8 or, by an earlier codekin, as float16."""
    rng = np.random.default_rng(3)
    halves = rng.standard_normal((200, 2, DIM), np.float32)
    rows = (halves / np.linalg.norm(halves, axis=2, keepdims=True)).reshape(200, ROW) / np.float32(2**0.5)
    hashes = [bytes([number]) * 16 for number in range(200)]
    with closing(VectorStore(tmp_path / "vectors.sqlite")) as store:
        store.put_vectors("s", hashes[:150], to_bytes(rows[:150]))
        store.put_vectors("s", hashes[150:], rows[150:])
        positions, stored_rows = store.get_vectors("s", hashes, ROW, BYTE_SCALE)
        assert store.get_vectors("s", hashes, ROW)[0] == list(range(150, 200))
    assert positions == list(range(200))
    in_memory = ContinuationVectors().add_rows(positions, stored_rows).rows.astype(int)
    from_model = ContinuationVectors().add_rows(positions, rows).rows.astype(int)
    np.testing.assert_array_equal(in_memory[:150], from_model[:150])
    assert np.abs(in_memory[150:] - from_model[150:]).max() <= 1
