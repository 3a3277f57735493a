"""Check what is installed, what it runs on, and whether the index finds what is in it."""

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
from codekin.settings import FILE_REMEDY, Settings, config_file

if TYPE_CHECKING:
    from codekin.embed.embedder import Embedder
    from codekin.engine import Engine
    from codekin.storage.paths import IndexPaths
    from codekin.types import Location

_SAMPLE_SIZE = 50  # functions of the workspace that must find themselves
_MIN_FREE_BYTES = 500_000_000
_MAX_WATCHES_FILE = Path("/proc/sys/fs/inotify/max_user_watches")
_OPTIONAL_LIBRARY = "hnswlib"
_FULL_TEXT_PROBE = "import sqlite3 as s; s.connect(':memory:').execute('CREATE VIRTUAL TABLE t USING fts5 (x)'); "
_PROBE_TIMEOUT_S = 60


def run_checks(settings: Settings, problems: Sequence[CodekinError]) -> Iterator[Finding]:
    """Run every check but that of an index; yield findings as they are made. `problems` are of the settings."""
    yield Finding("python", Level.OK, f"{platform.python_version()}, {sys.executable}")
    yield Finding(
        "system",
        Level.OK,
        f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} processors",
    )
    yield Finding("codekin", Level.OK, f"{__version__}, {Path(__file__).parents[1]}")
    yield from _check_settings(problems)
    yield from _check_libraries()
    yield _check_grammars()
    yield _check_hnswlib()
    yield _check_sqlite()
    yield from _check_models(settings)
    yield _check_cache(settings.cache_directory)


def _check_settings(problems: Sequence[CodekinError]) -> Iterator[Finding]:
    """Yield a warning per problem with the settings, or else one finding that they are sound."""
    for problem in problems:
        yield Finding("settings", Level.WARN, str(problem).removesuffix(FILE_REMEDY), "Fix or remove it.")
    if not problems:
        default_note = "" if config_file().exists() else " (does not exist: the defaults are used)"
        yield Finding("settings", Level.OK, f"{config_file()}{default_note}")


def _check_libraries() -> Iterator[Finding]:
    """Yield the installed required libraries with versions, hnswlib aside, and a failure that lists missing ones."""
    installed, missing = [], []
    for requirement in metadata.requires("codekin") or ():
        library_name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra ==" in requirement or library_name == _OPTIONAL_LIBRARY:
            continue
        try:
            installed.append(f"{library_name} {metadata.version(library_name)}")
        except metadata.PackageNotFoundError:
            missing.append(library_name)
    yield Finding("libraries", Level.OK, ", ".join(installed))
    if missing:
        remedy = f"Run: {sys.executable} -I -m pip install {' '.join(missing)}"
        yield Finding("libraries", Level.FAIL, f"{', '.join(missing)} not installed.", remedy)


def _check_grammars() -> Finding:
    """Return a finding on which languages' grammars can be loaded; a warning names those that can't."""
    from codekin.code.grammars import GRAMMARS
    from codekin.code.parsing import load_syntax

    broken_languages = [language for language in GRAMMARS if load_syntax(language) is None]
    if not broken_languages:
        return Finding("grammars", Level.OK, f"{len(GRAMMARS)}: {', '.join(GRAMMARS)}")
    wheel_names = " ".join(sorted({GRAMMARS[language].package.replace("_", "-") for language in broken_languages}))
    detail = (
        f"{', '.join(broken_languages)} can't be loaded: files in these languages are split by lines, not by functions."
    )
    return Finding(
        "grammars", Level.WARN, detail, f"Run: {sys.executable} -I -m pip install --force-reinstall {wheel_names}"
    )


def _check_hnswlib() -> Finding:
    """Return a finding on hnswlib, probed in another process: WARN where it is missing, FAIL where it crashes."""
    exit_status, _ = _run_probe("import hnswlib; hnswlib.Index('cosine', 8).init_index(8)")
    if exit_status == 0:
        return Finding("hnswlib", Level.OK, f"{metadata.version(_OPTIONAL_LIBRARY)}: graph search")
    if exit_status == 1:
        detail = "not installed: only exact search, which is slow beyond about 100,000 functions."
        return Finding("hnswlib", Level.WARN, detail, "Install it with a C++ compiler; see the README for your system.")
    remedy = f"Run: HNSWLIB_NO_NATIVE=1 {sys.executable} -I -m pip install --force-reinstall --no-binary :all: hnswlib"
    return Finding("hnswlib", Level.FAIL, "built for another processor: importing it crashes the process.", remedy)


def _check_sqlite() -> Finding:
    """Return a finding on this Python's SQLite, probed in another process: FAIL without full-text search (FTS5)."""
    exit_status, sqlite_version = _run_probe(_FULL_TEXT_PROBE + "print(s.sqlite_version)")
    if exit_status == 0:
        return Finding("sqlite", Level.OK, f"{sqlite_version}, with full-text search")
    remedy = "Install a Python whose SQLite has FTS5, such as that of python.org or of your distribution."
    return Finding(
        "sqlite", Level.FAIL, "no full-text search: the SQLite of this Python is built without FTS5.", remedy
    )


def _run_probe(probe_code: str) -> tuple[int, str]:
    """Run code in another Python process, up to 60 s, which may crash; return its exit status and stripped output."""
    process = run_code(probe_code, _PROBE_TIMEOUT_S)
    return process.returncode, process.stdout.strip()


def _check_models(settings: Settings) -> Iterator[Finding]:
    """Load and probe the light model, and the heavy one where one is configured; yield a finding for each."""
    from codekin.embed.factory import connect_heavy_model, has_heavy_model, load_light_model
    from codekin.storage.paths import locate_index

    yield _check_model("model", lambda: load_light_model(settings.model))
    if has_heavy_model(settings.model):
        models_folder = locate_index([], settings).models
        yield _check_model("heavy model", lambda: connect_heavy_model(settings.model, models_folder, None).interactive)


def _check_model(check_name: str, load_model: Callable[[], "Embedder"]) -> Finding:
    """Load a model, embed a text; return a finding, FAIL for a CodekinError or a vector that isn't of length 1."""
    from codekin.types import Role, Task

    try:
        embedder = load_model()
        (vector,) = embedder.embed(["def add(a, b): return a + b"], Task.CODE2CODE, Role.PASSAGE)
    except CodekinError as error:
        return Finding(
            check_name, Level.FAIL, str(error), "Check the settings model.name, model.endpoint and model.dim."
        )
    detail = f"{embedder.model} {embedder.fingerprint}, {embedder.dim} dimensions, on {embedder.device}"
    if abs(float(vector @ vector) - 1) > 1e-3:
        return Finding(
            check_name,
            Level.FAIL,
            f"{detail}: its vectors are not normalized.",
            "Reinstall codekin, or download the model again.",
        )
    if embedder.problems:
        return Finding(check_name, Level.WARN, detail, " ".join(embedder.problems))
    return Finding(check_name, Level.OK, detail)


def _check_cache(folder: Path) -> Finding:
    """Create the cache folder if missing; return a finding on its size, free space, and whether it is writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free_bytes = shutil.disk_usage(folder).free
        cache_bytes = sum(cached_path.stat().st_size for cached_path in folder.rglob("*") if cached_path.is_file())
    except OSError as error:
        remedy = "Set cache.directory to a writable folder."
        if folder.is_dir():
            detail = (
                f"{folder} is not writable ({error.strerror}): queries use the existing index, which is not updated."
            )
            return Finding("cache", Level.WARN, detail, remedy)
        return Finding("cache", Level.FAIL, f"{folder} is not writable ({error.strerror}).", remedy)
    store_count = len(list(folder.glob("workspaces/*.sqlite")))
    detail = f"{folder}: stores of {format_count(store_count, 'workspace')}, {cache_bytes / 1e6:,.1f} MB, "
    detail += f"{free_bytes / 1e9:,.1f} GB free"
    if free_bytes < _MIN_FREE_BYTES:
        return Finding("cache", Level.WARN, detail, "Free some space, or set cache.directory to another disk.")
    return Finding("cache", Level.OK, detail)


def check_index(workspace_root: Path, settings: Settings) -> Iterator[Finding]:
    """Yield findings about the index of the root, WARN if there is none; an unsound file is set aside and refilled."""
    from codekin.engine import Engine
    from codekin.storage.paths import locate_index

    if not locate_index([workspace_root], settings).store.exists():
        yield Finding(
            "index", Level.WARN, f"{workspace_root} is not indexed yet.", f"Run: codekin index {workspace_root}"
        )
        return
    try:
        damage_findings = list(_set_aside_unsound_files(locate_index([workspace_root], settings)))
        yield from damage_findings
        with closing(Engine([workspace_root], settings)) as engine:
            if damage_findings:
                engine.refresh(lambda _: None, threading.Event(), settings.index.workers or 1, wait=False)
            yield from _check_watching(engine.count_folders())
            yield _check_soundness(engine, workspace_root)
    except CodekinError as error:
        yield Finding("index", Level.FAIL, str(error), f"Then run: codekin index {workspace_root}")


def _set_aside_unsound_files(index_paths: "IndexPaths") -> Iterator[Finding]:
    """Read both database files in full; set unsound ones aside, and yield a failure for each that was."""
    from codekin.storage.integrity import find_damage
    from codekin.storage.store_files import set_aside

    for database_path in (index_paths.store, index_paths.vectors):
        if damage := find_damage(database_path):
            set_aside(damage)
            detail = f"{damage} It is set aside as {database_path.with_suffix('.corrupt')} and made again."
            yield Finding("index", Level.FAIL, detail, "If this happens again, check your disk and memory.")


def _check_soundness(engine: "Engine", workspace_root: Path) -> Finding:
    """Return a finding: do some 50 sampled functions find themselves, and how much of the workspace is indexed?"""
    sampled_count, lost_places = engine.check_findable(_SAMPLE_SIZE)
    status = engine.status()
    indexed_counts = f"{format_count(status.files, 'file')}, {format_count(status.snippets, 'snippet')}"
    detail = f"{workspace_root}: {indexed_counts}, {status.dense}"
    reindex_remedy = f"Run: codekin index {workspace_root}"
    # While another process is indexing, sampled functions may not be found yet.
    if status.coverage < 1 and engine.make_report().owner == "another process":
        detail += f"; another codekin is indexing, {status.coverage:.0%} of the files are searchable."
        return Finding("index", Level.WARN, detail, "Run codekin doctor again when it has finished.")
    if lost_places:
        lost_locations = ", ".join(
            f"{lost_place.path}:{_find_row(engine, lost_place) + 1}" for lost_place in lost_places[:3]
        )
        detail += f"; {len(lost_places)} of {sampled_count} sampled functions do not find themselves: {lost_locations}."
        return Finding("index", Level.FAIL, detail, f"Remove {status.store} and run: codekin index {workspace_root}")
    if not sampled_count:
        return Finding("index", Level.WARN, f"{detail}; there is no function to sample.", reindex_remedy)
    if status.coverage < 1:
        return Finding(
            "index", Level.WARN, f"{detail}; {status.coverage:.0%} of the files are searchable.", reindex_remedy
        )
    return Finding("index", Level.OK, f"{detail}; {sampled_count} sampled functions find themselves")


def _find_row(engine: "Engine", location: "Location") -> int:
    """Return the 0-based row of the function's name in the file, of a notebook in its JSON."""
    return to_file_row(find_cell(engine.list_cells(location.path), location.name_line), location.name_line)


def _check_watching(folder_count: int) -> Iterator[Finding]:
    """Yield a finding, on Linux alone: is the system's limit of watched folders twice what is needed?"""
    try:
        watch_limit = int(_MAX_WATCHES_FILE.read_text())
    except (OSError, ValueError):  # only Linux has such a limit
        return
    detail = f"{folder_count:,} folders to watch, the system allows {watch_limit:,}"
    if folder_count > watch_limit // 2:  # the editor and others watch, too
        remedy = "Run: sudo sysctl fs.inotify.max_user_watches=524288 (until then codekin polls)."
        yield Finding("watching", Level.WARN, detail, remedy)
    else:
        yield Finding("watching", Level.OK, detail)
