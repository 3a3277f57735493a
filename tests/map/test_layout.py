"""Vectors on a plane: what is near in meaning is near on it, the same each time, and soon."""

from threading import Event

import numpy as np
import pytest

from codekin.map.layout import layout_points, project_principal
from codekin.map.neighbours import find_neighbours

NEVER = Event()


def clusters(count: int, of: int, dim: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around some directions, and which one each is around."""
    random = np.random.default_rng(0)
    around = np.repeat(np.arange(count), of)
    vectors = random.normal(size=(count, dim))[around] * 2 + random.normal(size=(count * of, dim)) * 0.5
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), around


def exactly_nearest(points: np.ndarray, k: int) -> np.ndarray:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :k]


def trustworthiness(vectors: np.ndarray, places: np.ndarray, k: int = 10) -> float:
    """Venna and Kaski 2001."""
    n = len(vectors)
    ranks = np.argsort(np.argsort(np.linalg.norm(vectors[:, None] - vectors[None], axis=2), axis=1), axis=1)
    near = exactly_nearest(places, k)
    beyond = np.maximum(np.take_along_axis(ranks, near, axis=1) - k, 0).sum()
    return 1 - 2 * beyond / (n * k * (2 * n - 3 * k - 1))


def drawn(vectors: np.ndarray) -> np.ndarray:
    return layout_points(vectors, lambda _: None, NEVER)[0]


def test_neighbours_are_those_of_exact_search_nearly() -> None:
    points, _ = clusters(20, 60)
    neighbours = np.zeros((len(points), 10), np.int64)
    for _, rows, near in find_neighbours(points, 10):
        neighbours[rows] = near
    right = [
        len({*computed_row} & {*exact_row})
        for computed_row, exact_row in zip(neighbours, exactly_nearest(points, 10), strict=True)
    ]
    assert np.mean(right) > 8
    assert not (neighbours == np.arange(len(points))[:, None]).any()


def test_it_says_more_than_the_principal_components() -> None:
    vectors, around = clusters(20, 40)
    places = drawn(vectors)
    assert trustworthiness(vectors, places) > max(0.9, trustworthiness(vectors, project_principal(vectors, 2)))
    assert (around[exactly_nearest(places, 5)] == around[:, None]).mean() > 0.95


def test_the_same_vectors_give_the_same_plane() -> None:
    vectors, _ = clusters(10, 30)
    assert np.array_equal(drawn(vectors), drawn(vectors))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 16, 17])
def test_few_are_drawn_as_well(count: int) -> None:
    places = drawn(clusters(1, 20)[0][:count])
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()


def test_equal_vectors_make_no_trouble() -> None:
    places = drawn(np.tile(clusters(1, 1)[0], (50, 1)))
    assert np.isfinite(places).all()


def test_who_cancels_waits_for_no_more() -> None:
    vectors, _ = clusters(10, 30)
    cancel_event, progress_values = Event(), []

    def on_share(share: float) -> None:
        progress_values.append(share)
        cancel_event.set()

    layout_points(vectors, on_share, cancel_event)
    assert len(progress_values) <= 2
