"""A user's project, and home folder with an editor configured as editors/README.md shows."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..shop import INVOICES, ORDERS

README = Path(__file__).parents[2] / "editors" / "README.md"
PROGRAMS = Path(sys.executable).parent

SHOP_FILES = {
    "shop/orders.py": ORDERS,
    "shop/invoices.py": f'"""Invoices: 😋."""\n\n\n{INVOICES}',
    "web/cookies.py": '''\
def parsed_header(header):
    """The cookies that a browser sent."""
    cookies = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        cookies[name] = unquote(value)
    return cookies
''',
}
UNFINISHED_FILES = {  # with a function that begins like others
    "shop/stock.py": '''\
def remove_item(store, name, count):
    """Take some of it out."""
    if name not in store.items:
        raise KeyError(name)
    store.items[name] -= count
    note(f"{count} of {name} removed")
    return store.items[name]


def add_item(store, name, count):
    """Put some more of it in."""
    if name not in store.items:
        raise KeyError(name)
    store.items[name] += count
    note(f"{count} of {name} added")
    return store.items[name]


def find_item(store, name, count):
    """Say where so many of it lie."""
    if name not in store.items:
        raise KeyError(name)
    return store.shelves[name][:count]
''',
    "shop/waste.py": '''\
def drop_item(store, name, count):
    """Throw some of it away."""
    if name not in store.items:
''',
}


@dataclass(frozen=True, slots=True)
class UserProject:
    """A project in a Git repository, and its user's home folder and programs on PATH."""

    home: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of an editor, without anything of this machine's user."""
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "CODEKIN_INDEX_WORKERS": "1",
            "CODEKIN_MODEL_SMALL": "false",
        }

    @property
    def cache(self) -> Path:
        """The folder of the user's indexes."""
        return self.home / ".cache" / "codekin"

    def install(self, *programs: str) -> None:
        """Put these programs of the tests' environment on PATH."""
        for program in programs:
            (self.home / "bin" / program).symlink_to(PROGRAMS / program)

    def write(self, path: str, text: str) -> None:
        """Write a file; the path is relative to the home folder."""
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_text(text, "utf-8")


def create_project(home: Path, files: dict[str, str]) -> UserProject:
    """Create a project with these files."""
    project = UserProject(home, home / "project")
    for name, text in files.items():
        project.write(f"project/{name}", text)
    subprocess.run(["git", "init", "-q", str(project.folder)], check=True)
    (home / "bin").mkdir()
    project.install("codekin")
    return project


def read_block(name: str) -> str:
    """Return the code block below this marker in editors/README.md."""
    text = README.read_text("utf-8")
    marker = f"<!-- {name} -->\n```"
    assert text.count(marker) == 1, name
    return text.partition(marker)[2].partition("\n")[2].partition("\n```\n")[0] + "\n"
