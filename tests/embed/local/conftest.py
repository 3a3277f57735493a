"""Settings of torch that tests of transformers share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tiny layers are not worth two threads, and other tests run beside."""
    import torch  # which most tests of this folder do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
