"""A user with a project and an editor set up as editors/README.md says."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..shop import INVOICES, ORDERS

README = Path(__file__).parents[2] / "editors" / "README.md"
PROGRAMS = Path(sys.executable).parent

FILES = {
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
BEGUN = {  # a function that goes on as others do
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
''',
    "shop/waste.py": '''\
def drop_item(store, name, count):
    """Throw some of it away."""
    if name not in store.items:
''',
}
MANY = {  # enough for a progress bar
    f"stock/shelf{i}.py": "\n\n".join(
        f"def count_{i}_{j}(boxes, broken):\n    left_{i} = boxes * {j} - broken\n    return left_{i} + {i}\n"
        for j in range(6)
    )
    for i in range(600)
}


@dataclass(frozen=True, slots=True)
class Desk:
    """A user's folders: a project in a Git repository, a home of their own, and programs on their path."""

    home: Path
    project: Path

    @property
    def environment(self) -> dict[str, str]:
        """For an editor: nothing of this machine's user."""
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "CODEKIN_INDEX_WORKERS": "1",
        }

    def install(self, *programs: str) -> None:
        """Put these programs of the tests' environment on the path."""
        for program in programs:
            (self.home / "bin" / program).symlink_to(PROGRAMS / program)

    def write(self, path: str, text: str) -> None:
        """A file, seen from home."""
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_text(text, "utf-8")


def make_desk(home: Path, files: dict[str, str]) -> Desk:
    """A desk whose project has these files."""
    desk = Desk(home, home / "project")
    for name, text in files.items():
        desk.write(f"project/{name}", text)
    subprocess.run(["git", "init", "-q", str(desk.project)], check=True)
    (home / "bin").mkdir()
    desk.install("codekin")
    return desk


def printed(name: str) -> str:
    """The block that editors/README.md prints under this marker."""
    text = README.read_text("utf-8")
    marker = f"<!-- {name} -->\n```"
    assert text.count(marker) == 1, name
    return text.partition(marker)[2].partition("\n")[2].partition("\n```\n")[0] + "\n"
