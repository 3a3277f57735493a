"""Two users with different rights ask a team's index in VS Code, each by a gateway and her own token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="a gateway needs it: pip install 'codekin[team]'")
pytest.importorskip("uvicorn", reason="a gateway needs it: pip install 'codekin[team]'")
pytest.importorskip("prometheus_client", reason="a gateway needs it: pip install 'codekin[team]'")

from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.rate_limit import RateLimit

from ...team.clones import KEYRING, commit, ingest
from ...team.memory_index import MemoryIndex
from ...team.served_gateway import ANN, BOB, SECRET, TAX, Served, write_access
from ..project import SHOP_FILES, create_project
from .conftest import ExtensionBuild
from .scenarios import run_in_window
from .served import create_vscode
from .test_in_newest import NEWEST

_ROCKET = ("ignite the engine of a rocket", "launch_rocket")
_TAX = ("add the sales tax to a price", "add_sales_tax")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    """Serve two repositories: ann may read both, bob the one with the tax."""
    commit(tmp_path / "clones" / "space", {"rocket.py": SECRET})
    commit(tmp_path / "clones" / "tax", {"tax.py": TAX})
    index = MemoryIndex()
    ingest(index, tmp_path / "clones")
    write_access(tmp_path / "access.toml", {"ann": (ANN, ["*"]), "bob": (BOB, ["tax"])})
    access = AccessFile(tmp_path / "access.toml")
    served = Served(Gateway(GatewaySearch(Catalogue(index), KEYRING), access, access, RateLimit(1_000, 1_000)))
    yield served
    served.stop()


@pytest.mark.parametrize(("token", "scenario"), [(ANN, _ROCKET), (BOB, (*_TAX, *_ROCKET))], ids=["ann", "bob"])
def test_each_sees_what_she_may_read(
    gateway: Served, built: ExtensionBuild, tmp_path: Path, token: str, scenario: tuple[str, ...]
):
    project = create_project(tmp_path / "project", SHOP_FILES)
    team = {"codekin.team.url": gateway.url, "codekin.team.token": token}
    vscode = create_vscode(NEWEST, tmp_path / "code", project, **team)
    run_in_window("team.mjs", vscode, built, *scenario, flags=("--disable-workspace-trust",))
