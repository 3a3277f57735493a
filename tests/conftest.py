"""Fixtures that tests of several packages share."""

import compileall
import os
import shutil
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import codekin

if TYPE_CHECKING:
    from .embed.endpoints import Server


os.environ["CODEKIN_CLI_RESIDENT"] = "false"  # no command that a test runs leaves a process behind
os.environ["CODEKIN_MODEL_SMALL"] = "false"  # no server that a test runs starts another one for the small model

# No example has a deadline, and none is too slow to make: on a busy machine time says nothing about the code.
settings.register_profile("codekin", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("codekin")

STANDARD_LIBRARY_PARTS = (
    "asyncio",
    "concurrent",
    "email",
    "http",
    "importlib",
    "json",
    "logging",
    "unittest",
    "urllib",
    "xml",
)


LONGEST_FILES = (  # the longest first; with few tests each, xdist would start them last
    "editors/vscode/test_in_newest.py",
    "editors/vscode/test_in_oldest.py",
    "training/test_contrastive.py",
    "indexing/test_reconcile.py",
    "indexing/test_changed_folders.py",
    "e2e/test_heavy.py",
    "editors/test_emacs.py",
    "test_style.py",
)


@pytest.fixture(scope="session", autouse=True)
def _no_small_model() -> Iterator[None]:
    """Let no engine of the session find the small model installed, unless a test patches that itself."""
    from codekin.embed.local import small

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "is_available", lambda: False)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once, before any process starts; with PYTHONDONTWRITEBYTECODE each would compile it again."""
    if not hasattr(config, "workerinput"):  # a worker of xdist has it, and starts later
        compileall.compile_dir(Path(codekin.__file__).parent, quiet=2)
    if hasattr(config.option, "loadscopereorder"):  # xdist is there
        config.option.loadscopereorder = False  # files are started in the order of the items


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, then those with the most tests, so that all workers end at about the same time."""
    order = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FILES)}
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (order.get(item.path, len(order)), -counts[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors: tests of servers and editors wait much of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def real_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy parts of the standard library, some 200 files and 4,000 functions; a test must not change them."""
    root = tmp_path_factory.mktemp("real") / "tree"
    for part in STANDARD_LIBRARY_PARTS:
        source = Path(sysconfig.get_path("stdlib")) / part
        shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def tree(real_tree: Path, tmp_path: Path) -> Path:
    """Return a copy of the real tree that the test may change."""
    return Path(shutil.copytree(real_tree, tmp_path / "tree"))


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Qwen2 of random weights and a real tokenizer, in sentence-transformers' layout, with the
    prompts of jina-code-embeddings; `ModelSettings(str(folder))` names it. A test that changes it copies it.
    """
    from .embed.checkpoints import write_checkpoint  # needs torch, which most tests do without

    return write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny-qwen2")


@pytest.fixture
def embedding_server() -> "Iterator[Server]":
    """Run a local server of OpenAI's embeddings API with the embedded model, which records its requests."""
    from .embed.endpoints import endpoint

    with endpoint() as server:
        yield server
