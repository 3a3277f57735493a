"""What the extension does in a real VS Code with the real server. Each version has a file of its own that states it."""

import json
from pathlib import Path

from ..desk import FILES, make_desk
from .code import Code, a_code, browse
from .conftest import Built
from .mishaps import programs, wheel
from .shop import SHOP

_UNTRUSTED = {"security.workspace.trust.startupPrompt": "never"}
_SUITE_S = 600  # far more than any takes, also on a machine that is busy


class InVSCode:
    """The claims; a subclass says about which version."""

    version: str  # code-server's
    installer: str  # what the server is installed with, of pip and uv

    def test_in_its_extension_host(self, built: Built, tmp_path: Path):
        """The suite in test/host."""
        desk = make_desk(tmp_path / "desk", FILES)
        code = a_code(self.version, tmp_path / "code", desk)
        _run_hosted(code, built, desk.project, "--disable-workspace-trust")

    def test_in_two_folders_that_are_not_trusted(self, built: Built, tmp_path: Path):
        """Works in both, and nothing that the workspace names is started."""
        files = {
            "shop/orders.py": FILES["shop/orders.py"],
            "office/bills.py": FILES["shop/invoices.py"].partition("\n\n\n")[2].replace("invoice_total", "bill_total"),
            "more/cookies.py": FILES["web/cookies.py"],
        }
        desk = make_desk(tmp_path / "desk", files)
        scripts = programs(tmp_path / "programs")
        theirs = {"codekin.path": str(scripts / "evil"), "codekin.search.limit": 1}
        workspace = {"folders": [{"path": "shop"}, {"path": "office"}], "settings": theirs}
        desk.write("project/all.code-workspace", json.dumps(workspace))
        code = a_code(self.version, tmp_path / "code", desk, **_UNTRUSTED)
        _run_hosted(code, built, desk.project / "all.code-workspace")
        assert not (scripts / "was-here").exists()

    def test_every_surface(self, built: Built, tmp_path: Path):
        """Each is seen once and used, as a person does; pictures.py photographs the same."""
        code = a_code(self.version, tmp_path / "code", make_desk(tmp_path / "desk", SHOP))
        _in_window("surfaces.mjs", code, built, flags=("--disable-workspace-trust",))

    def test_mishaps(self, built: Built, tmp_path: Path):
        """No server, a wish to install one, one of another version, one that ends: each is told with what helps."""
        desk = make_desk(tmp_path / "desk", FILES)
        (desk.home / "bin" / "codekin").rename(tmp_path / "codekin")
        scripts = programs(tmp_path / "programs")
        desk.write("project/.vscode/settings.json", json.dumps({"codekin.path": str(scripts / "evil")}))
        own = {"codekin.path": "", "codekin.package": str(wheel(tmp_path, tmp_path / "codekin"))}
        if self.installer == "uv":
            desk.install("uv")
        code = a_code(self.version, tmp_path / "code", desk, **own, **_UNTRUSTED)
        _in_window("mishaps.mjs", code, built, str(scripts), self.installer)
        assert not (scripts / "was-here").exists()
        (made,) = code.home.rglob("pyvenv.cfg")
        assert ("\nuv = " in made.read_text("utf-8")) == (self.installer == "uv")


def _run_hosted(code: Code, built: Built, opened: Path, *flags: str) -> None:
    with code.served("--enable-smoke-test-driver", *flags) as address:
        suite = built.folder / "dist" / "host" / "index.js"
        page = ["test/page.mjs", address, str(opened), str(built.unpacked), str(suite)]
        status, said = browse(page, built.folder, _SUITE_S)
    assert status == 0, said


def _in_window(script: str, code: Code, built: Built, *more: str, flags: tuple[str, ...] = ()) -> None:
    code.install(built.package)
    with code.served(*flags) as address:
        words = [f"test/ui/{script}", address, str(code.desk.project), str(code.settings), *more]
        status, said = browse(words, built.folder, _SUITE_S)
    assert status == 0, said
