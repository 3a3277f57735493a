"""Is this codekin sound? What is installed, what it runs on, and whether the index finds what is in it."""

import os
import platform
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from codekin import __version__
from codekin.cli.console import format_count
from codekin.cli.findings import Finding, Level
from codekin.code.cell_lines import find_cell, to_file_row
from codekin.errors import CodekinError
from codekin.processes import run_code
from codekin.settings import Settings, config_file

if TYPE_CHECKING:
    from codekin.embed.embedder import Embedder
    from codekin.engine import Engine
    from codekin.storage.paths import IndexPaths
    from codekin.types import Location

_SAMPLE = 50  # functions of the workspace that must find themselves
_LEAST_FREE_BYTES = 500_000_000
_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
_OPTIONAL = "hnswlib"
_FULL_TEXT = "import sqlite3 as s; s.connect(':memory:').execute('CREATE VIRTUAL TABLE t USING fts5 (x)'); "
_PROBE_S = 60


def run_checks(root: Path, settings: Settings, problems: Sequence[CodekinError]) -> Iterator[Finding]:
    """Every finding, as it is made; `problems` are those of reading the settings."""
    yield Finding("python", Level.OK, f"{platform.python_version()}, {sys.executable}")
    yield Finding(
        "system",
        Level.OK,
        f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} processors",
    )
    yield Finding("codekin", Level.OK, f"{__version__}, {Path(__file__).parents[1]}")
    yield from _settings(problems)
    yield from _libraries()
    yield _grammars()
    yield _hnswlib()
    yield _sqlite()
    yield from _models(settings)
    yield _cache(settings.cache_directory)
    yield from _index(root, settings)


def _settings(problems: Sequence[CodekinError]) -> Iterator[Finding]:
    for problem in problems:
        yield Finding("settings", Level.WARN, str(problem), "Mend it, or take it out.")
    if not problems:
        there = "" if config_file().exists() else " (not there: the defaults are used)"
        yield Finding("settings", Level.OK, f"{config_file()}{there}")


def _libraries() -> Iterator[Finding]:
    having, missing = [], []
    for requirement in metadata.requires("codekin") or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra ==" in requirement or name == _OPTIONAL:
            continue
        try:
            having.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield Finding("libraries", Level.OK, ", ".join(having))
    if missing:
        remedy = f"Run: {sys.executable} -I -m pip install {' '.join(missing)}"
        yield Finding("libraries", Level.FAIL, f"{', '.join(missing)} not installed.", remedy)


def _grammars() -> Finding:
    from codekin.code.grammars import GRAMMARS
    from codekin.code.parsing import load_syntax

    broken = [language for language in GRAMMARS if load_syntax(language) is None]
    if not broken:
        return Finding("grammars", Level.OK, f"{len(GRAMMARS)}: {', '.join(GRAMMARS)}")
    wheels = " ".join(sorted({GRAMMARS[language].package.replace("_", "-") for language in broken}))
    detail = f"{', '.join(broken)} can't be loaded: those files are cut in windows of lines."
    return Finding(
        "grammars", Level.WARN, detail, f"Run: {sys.executable} -I -m pip install --force-reinstall {wheels}"
    )


def _hnswlib() -> Finding:
    status, _ = _probe("import hnswlib; hnswlib.Index('cosine', 8).init_index(8)")
    if status == 0:
        return Finding("hnswlib", Level.OK, f"{metadata.version(_OPTIONAL)}: graph search")
    if status == 1:
        detail = "not installed: exact search alone, which slows down beyond some 100,000 functions."
        return Finding("hnswlib", Level.WARN, detail, "It needs a C++ compiler; the README says how, per system.")
    remedy = f"Run: HNSWLIB_NO_NATIVE=1 {sys.executable} -I -m pip install --force-reinstall --no-binary :all: hnswlib"
    return Finding("hnswlib", Level.FAIL, "built for another processor: importing it ends the process.", remedy)


def _sqlite() -> Finding:
    status, version = _probe(_FULL_TEXT + "print(s.sqlite_version)")
    if status == 0:
        return Finding("sqlite", Level.OK, f"{version}, with full text")
    remedy = "Install a Python whose SQLite has FTS5: python.org's and every distribution's has."
    return Finding("sqlite", Level.FAIL, "no full text: this Python's SQLite is built without FTS5.", remedy)


def _probe(code: str) -> tuple[int, str]:
    """The exit status and output of a Python of its own: what is asked may end the process."""
    done = run_code(code, _PROBE_S)
    return done.returncode, done.stdout.strip()


def _models(settings: Settings) -> Iterator[Finding]:
    from codekin.embed.factory import connect_heavy_model, has_heavy_model, load_light_model
    from codekin.storage.paths import locate_index

    yield _model("model", lambda: load_light_model(settings.model))
    if has_heavy_model(settings.model):
        folder = locate_index([], settings).models
        yield _model("heavy model", lambda: connect_heavy_model(settings.model, folder, None).interactive)


def _model(check: str, made: Callable[[], "Embedder"]) -> Finding:
    from codekin.types import Role, Task

    try:
        embedder = made()
        (vector,) = embedder.embed(["def add(a, b): return a + b"], Task.CODE2CODE, Role.PASSAGE)
    except CodekinError as error:
        return Finding(check, Level.FAIL, str(error), "Check the settings model.name, model.endpoint and model.dim.")
    detail = f"{embedder.model} {embedder.fingerprint}, {embedder.dim} numbers a vector, on {embedder.device}"
    if abs(float(vector @ vector) - 1) > 1e-3:
        return Finding(check, Level.FAIL, f"{detail}: its vectors are unsound.", "Install it again.")
    if embedder.problems:
        return Finding(check, Level.WARN, detail, " ".join(embedder.problems))
    return Finding(check, Level.OK, detail)


def _cache(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        remedy = "Set cache.directory to a folder that can be written."
        if folder.is_dir():
            detail = f"{folder} can't be written ({error.strerror}): the index there answers as it is."
            return Finding("cache", Level.WARN, detail, remedy)
        return Finding("cache", Level.FAIL, f"{folder} can't be written ({error.strerror}).", remedy)
    stores = len(list(folder.glob("workspaces/*.sqlite")))
    detail = f"{folder}: stores of {format_count(stores, 'workspace')}, {size / 1e6:,.1f} MB, {free / 1e9:,.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return Finding("cache", Level.WARN, detail, "Free some room, or set cache.directory to another disk.")
    return Finding("cache", Level.OK, detail)


def _index(root: Path, settings: Settings) -> Iterator[Finding]:
    from codekin.engine import Engine
    from codekin.storage.paths import locate_index

    if not locate_index([root], settings).store.exists():
        yield Finding("index", Level.WARN, f"{root} is not indexed yet.", f"Run: codekin index {root}")
        return
    try:
        unsound = list(_unsound(locate_index([root], settings)))
        yield from unsound
        with closing(Engine([root], settings)) as engine:
            if unsound:
                engine.refresh(lambda _: None, threading.Event(), settings.index.workers or 1, wait=False)
            yield from _watching(engine.count_folders())
            yield _soundness(engine, root)
    except CodekinError as error:
        yield Finding("index", Level.FAIL, str(error), f"Then run: codekin index {root}")


def _unsound(files: "IndexPaths") -> Iterator[Finding]:
    """Read both files from beginning to end; an unsound one is set aside, as by any command that meets it."""
    from codekin.storage.integrity import find_damage
    from codekin.storage.store_files import set_aside

    for path in (files.store, files.vectors):
        if damage := find_damage(path):
            set_aside(damage)
            detail = f"{damage} It is set aside as {path.with_suffix('.corrupt')} and made again."
            yield Finding("index", Level.FAIL, detail, "If this happens again, check the disk and the memory.")


def _soundness(engine: "Engine", root: Path) -> Finding:
    asked, lost = engine.check_findable(_SAMPLE)
    status = engine.status()
    detail = f"{root}: {format_count(status.files, 'file')}, {format_count(status.snippets, 'snippet')}, {status.dense}"
    again = f"Run: codekin index {root}"
    # What is half written does not find itself.
    if status.coverage < 1 and engine.make_report().owner == "another process":
        detail += f"; another codekin is indexing, {status.coverage:.0%} of the files are searchable."
        return Finding("index", Level.WARN, detail, "Ask again when it has finished.")
    if lost:
        names = ", ".join(f"{place.path}:{_row(engine, place) + 1}" for place in lost[:3])
        detail += f"; {len(lost)} of {asked} functions asked for do not find themselves: {names}."
        return Finding("index", Level.FAIL, detail, f"Remove {status.store} and run: codekin index {root}")
    if not asked:
        return Finding("index", Level.WARN, f"{detail}; no function to ask for.", again)
    if status.coverage < 1:
        return Finding("index", Level.WARN, f"{detail}; {status.coverage:.0%} of the files are searchable.", again)
    return Finding("index", Level.OK, f"{detail}; {asked} functions asked for find themselves")


def _row(engine: "Engine", place: "Location") -> int:
    return to_file_row(find_cell(engine.list_cells(place.path), place.name_line), place.name_line)


def _watching(folders: int) -> Iterator[Finding]:
    try:
        limit = int(_WATCHES.read_text())
    except (OSError, ValueError):  # only Linux has such a limit
        return
    detail = f"{folders:,} folders to watch, the system allows {limit:,}"
    if folders > limit // 2:  # the editor and others watch, too
        remedy = "Run: sudo sysctl fs.inotify.max_user_watches=524288 (until then codekin polls)."
        yield Finding("watching", Level.WARN, detail, remedy)
    else:
        yield Finding("watching", Level.OK, detail)
