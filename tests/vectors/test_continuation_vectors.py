"""Continuations' vectors: a byte a number, and still the nearest is the nearest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.types import Role, Snippet, SnippetKind, Span, Task
from codekin.vectors.continuation_vectors import (
    DIM,
    ROW,
    ContinuationVectors,
    continuation_space,
    embed_continuations,
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
