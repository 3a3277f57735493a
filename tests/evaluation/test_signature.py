"""What determined a figure is said, so that two figures are known to be comparable or not."""

import tomllib
from pathlib import Path

from codekin.embed.embedder import load_embedder
from codekin.embed.factory import connect_heavy_model
from codekin.evaluation.signature import SEARCH_PACKAGES, describe_model
from codekin.settings import ModelSettings

from ..embed.endpoints import endpoint

REPOSITORY = Path(__file__).parents[2]


def test_the_hashed_sources_are_search_and_every_package_that_it_may_import() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    (position,) = [position for position, layer in enumerate(layers) if "codekin.search" in layer.split(" | ")]
    names = {"search"} | {
        name.removeprefix("codekin.") for layer in layers[position + 1 :] for name in layer.split(" | ")
    }
    packages = {path.parent.name for path in (REPOSITORY / "server" / "codekin").glob("*/__init__.py")}
    assert set(SEARCH_PACKAGES) == names & packages


def test_a_model_at_an_endpoint_is_described_without_torch_which_need_not_be_here() -> None:
    with endpoint() as server:
        model = connect_heavy_model(ModelSettings("some-model", endpoint=server.url), Path(), None)
        facts = describe_model(model.bulk)
    assert "torch" not in facts
    assert facts["on"] == f"{server.url}/embeddings"
    assert "torch" not in describe_model(load_embedder(ModelSettings()))
