"""What tests of several rooms have in common."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .embed.endpoints import Server


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Qwen2 of random weights and a real tokenizer, in sentence-transformers' layout, with the
    prompts of jina-code-embeddings; `ModelSettings(str(folder))` names it. A test that changes it copies it.
    """
    from .embed.checkpoints import write_checkpoint  # needs torch, which most tests do without

    return write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny-qwen2")


@pytest.fixture
def embedding_server() -> "Iterator[Server]":
    """A server of OpenAI's embeddings API with the embedded model, which remembers what it was asked."""
    from .embed.endpoints import endpoint

    with endpoint() as server:
        yield server
