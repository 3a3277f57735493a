"""A text's tokens become one vector, however they are padded."""

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
from codekin.training.pooling import POOLING_NAMES, LastTokenPooling, MeanPooling, make_pooling  # noqa: E402


@pytest.mark.parametrize("way", POOLING_NAMES)
def test_every_way_of_pooling_sees_the_same_whichever_side_is_padded(way: str) -> None:
    torch.manual_seed(0)
    states = torch.randn(2, 3, 8)
    pool = make_pooling(way, 8).eval()  # type: ignore[arg-type]
    alone = pool(states, torch.ones(2, 3, dtype=torch.long))
    padding = torch.randn(2, 2, 8)
    mask = torch.tensor([[0, 0, 1, 1, 1]] * 2)
    torch.testing.assert_close(pool(torch.cat([padding, states], dim=1), mask), alone)
    torch.testing.assert_close(pool(torch.cat([states, padding], dim=1), mask.flip(1)), alone)


def test_the_last_token_and_the_mean_are_what_they_are_called() -> None:
    states = torch.arange(12.0).reshape(1, 4, 3)
    mask = torch.tensor([[1, 1, 1, 0]])
    assert LastTokenPooling()(states, mask).tolist() == [[6, 7, 8]]
    assert MeanPooling()(states, mask).tolist() == [[3, 4, 5]]
