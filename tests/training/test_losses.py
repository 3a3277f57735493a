"""Claims about what training minimises, against the definition written out plainly."""

import math

import pytest

torch = pytest.importorskip("torch")
from codekin.training.losses import LossConfig, find_equal_texts, info_nce_loss, matryoshka_loss, similarity_loss  # noqa: E402 -- needs torch, which the core does without

OBJECTIVE = LossConfig((16,))


def _rows(n: int, d: int, seed: int):
    return torch.nn.functional.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)


def _plain(queries, passages, temperature, same) -> float:
    """Both directions, pair by pair, as printed."""
    total = 0.0
    n = len(queries)
    for i in range(n):
        positive = float(queries[i] @ passages[i]) / temperature
        forward = [float(queries[i] @ passages[j]) / temperature for j in range(n) if i == j or not same[i][j]]
        backward = [float(queries[j] @ passages[i]) / temperature for j in range(n) if i == j or not same[j][i]]
        for scores in (forward, backward):
            total += math.log(sum(map(math.exp, scores))) - positive
    return total / (2 * n)


@pytest.mark.parametrize("masked", [False, True])
def test_info_nce_is_its_definition(masked: bool) -> None:
    queries, passages = _rows(7, 16, 0), _rows(7, 16, 1)
    same = torch.zeros(7, 7, dtype=torch.bool)
    if masked:
        same[1, 4] = same[4, 1] = same[0, 0] = same[2, 6] = True
    expected = _plain(queries, passages, 0.05, same.tolist())
    assert float(info_nce_loss(queries, passages, OBJECTIVE, same)) == pytest.approx(expected, rel=1e-5)


def test_no_mask_is_an_empty_mask() -> None:
    queries, passages = _rows(5, 8, 2), _rows(5, 8, 3)
    empty = torch.zeros(5, 5, dtype=torch.bool)
    assert float(info_nce_loss(queries, passages, OBJECTIVE)) == pytest.approx(
        float(info_nce_loss(queries, passages, OBJECTIVE, empty))
    )


def test_large_batches_give_the_same_loss_but_for_rounding() -> None:
    queries, passages = _rows(600, 32, 4), _rows(600, 32, 5)
    whole_loss = float(info_nce_loss(queries, passages, OBJECTIVE))
    scores = (queries @ passages.T / 0.05).double()
    exact = (scores.logsumexp(1) + scores.logsumexp(0)).mean() / 2 - scores.diagonal().mean()
    assert whole_loss == pytest.approx(float(exact), rel=1e-2)


def test_a_hard_negative_is_a_wrong_answer_to_every_query_but_asks_for_nothing() -> None:
    queries, passages, negatives = _rows(5, 16, 7), _rows(5, 16, 8), _rows(3, 16, 9)
    equal_texts = torch.zeros(5, 8, dtype=torch.bool)
    equal_texts[2, 6] = True  # the second negative answers the third query
    scores = (queries @ torch.cat([passages, negatives]).T / 0.05).masked_fill(equal_texts, -torch.inf)
    expected = (scores.logsumexp(1) + scores[:, :5].logsumexp(0)).mean() / 2 - scores[:, :5].diagonal().mean()
    loss = info_nce_loss(queries, torch.cat([passages, negatives]), OBJECTIVE, equal_texts)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_a_negative_that_answers_a_query_by_another_pair_is_none() -> None:
    queries, passages = ["open", "close", "open"], ["fopen()", "fclose()", "popen()"]
    equal_texts = find_equal_texts(queries, passages, ["popen()", "unlink()"])
    assert equal_texts[:, 3:].tolist() == [[True, False], [False, False], [True, False]]


def test_equal_sides_of_distinct_rows_have_less_loss_than_shuffled_ones() -> None:
    rows = _rows(16, 32, 6)
    assert info_nce_loss(rows, rows, OBJECTIVE) < info_nce_loss(rows, rows.flip(0), OBJECTIVE)


def test_matryoshka_is_the_mean_over_normalised_prefixes() -> None:
    queries, passages = _rows(6, 16, 7) * 3, _rows(6, 16, 8) * 5
    normalise = torch.nn.functional.normalize
    parts = [
        info_nce_loss(normalise(queries[:, :d], dim=1), normalise(passages[:, :d], dim=1), OBJECTIVE)
        for d in (4, 8, 16)
    ]
    assert float(matryoshka_loss(queries, passages, LossConfig((4, 8, 16)))) == pytest.approx(float(sum(parts)) / 3)


def test_equal_texts_are_no_negatives_of_each_other() -> None:
    same = find_equal_texts(["a", "b", "a", "c"], ["p", "q", "r", "q"])
    assert same.nonzero().tolist() == [[0, 0], [0, 2], [1, 1], [1, 3], [2, 0], [2, 2], [3, 1], [3, 3]]


def test_the_similarity_loss_is_the_mean_squared_difference_of_cosines() -> None:
    vectors, reference_vectors = _rows(5, 16, 1) * 3, _rows(5, 8, 2)
    differences = [
        (float(vectors[i] @ vectors[j]) / 9 - float(reference_vectors[i] @ reference_vectors[j])) ** 2
        for i in range(5)
        for j in range(5)
        if i != j
    ]
    assert float(similarity_loss(vectors, reference_vectors)) == pytest.approx(sum(differences) / 20, rel=1e-4)
    assert float(similarity_loss(vectors, vectors * 2)) == pytest.approx(0, abs=1e-9)
