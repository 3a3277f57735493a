"""One frozen tree of defaults, and the only reader of the environment.

Every leaf carries its description, its bounds and who may set it in its metadata (bounds.py): the README's table, the
editors' settings pages, the checks below and the server's all come from there. Sources, weakest first: the defaults
here, the user's `config.toml`, what the editor's client sends, environment variables.
"""

import os
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from codekin.bounds import MAX_DIMENSIONS, MAX_HITS, Machine, Scope, checked_value, setting, shown, users_setting
from codekin.errors import SettingsError
from codekin.files import read_file

_MAX_BYTES = 262_144  # of config.toml


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What is indexed, and how hard the machine may work for it."""

    exclude: tuple[str, ...] = setting((), "More paths to leave out, in .gitignore syntax.")
    include: tuple[str, ...] = setting(
        (), "Paths to index although a built-in default leaves them out, in .gitignore syntax."
    )
    max_file_bytes: int = users_setting(1_048_576, "Larger files are skipped.", between=(1, 100_000_000))
    debounce_ms: int = setting(
        150, "How long to wait after an edit before it is indexed, in milliseconds.", between=(0, 60_000)
    )
    workers: int = users_setting(
        0, "Processes that read and embed in bulk; 0 chooses from the processor.", between=(0, Machine.PROCESSORS)
    )
    polling_s: float = users_setting(
        5.0, "Seconds between scans where the system can't watch files.", between=(0.5, 86_400)
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model embeds."""

    name: str = users_setting(
        "embedded", 'The embedding model: "embedded", a name of `codekin model list`, a hub id, or a folder.'
    )
    dim: int = users_setting(
        0,
        "Numbers per vector (a Matryoshka dimension of the model); 0 is the model's own default.",
        between=(0, MAX_DIMENSIONS),
    )
    max_tokens: int = users_setting(
        512, "Longer texts are cut; a heavy model's time grows with it.", between=(16, 131_072)
    )
    device: str = users_setting("auto", "Where a heavy model runs.", choices=("auto", "cpu", "cuda", "mps"))
    precision: str = users_setting(
        "auto",
        "Numbers that a heavy model computes with; int8 is fastest on a CPU and a little less exact.",
        choices=("auto", "float32", "bfloat16", "int8"),
    )
    pooling: str = users_setting(
        "auto",
        "Which token a heavy model's vector is taken from, where its files do not say.",
        choices=("auto", "last", "mean", "cls"),
    )
    prompts: tuple[str, ...] = users_setting(
        (),
        "Instructions before texts where a heavy model's files name none: `query=…`, `document=…`, `nl2code_query=…`.",
    )
    matryoshka: tuple[str, ...] = users_setting((), "Dimensions that a heavy model's vectors may be cut to.")
    idle_s: float = users_setting(
        600.0, "Seconds without work after which a heavy model's memory is given back.", between=(0.1, 2_592_000)
    )
    endpoint: str = users_setting(
        "",
        "Address of a server with OpenAI's embeddings API (http://localhost:8080/v1) that runs the model of that name "
        "instead; your code is sent there. Its key, if it wants one: CODEKIN_ENDPOINT_KEY in the environment.",
    )
    endpoint_timeout_s: float = users_setting(
        60.0, "Seconds that the endpoint may take for one request.", between=(0.1, 3_600)
    )
    endpoint_batch: int = users_setting(32, "Texts that the endpoint gets at once.", between=(1, 2_048))


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How questions are answered."""

    limit: int = setting(10, "How many hits an answer has at most.", between=(1, MAX_HITS))


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """Workspace symbols."""

    by_name: bool = setting(True, "Find symbols by name, too, not only by meaning; off where another server does.")


@dataclass(frozen=True, slots=True)
class LensSettings:
    """The code lens above each function."""

    enabled: bool = setting(False, 'Show "N similar" above functions.')


@dataclass(frozen=True, slots=True)
class DuplicateSettings:
    """Diagnostics for duplicated code."""

    enabled: bool = setting(False, "Report duplicated functions as informational diagnostics.")
    min_lines: int = setting(5, "Functions with fewer lines are never reported.", between=(1, 100_000))


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """How code goes on, as ghost text and as completion items."""

    enabled: bool = setting(True, "Suggest how code goes on, taken from the workspace.")
    floor: float = setting(0.3, "Suggest nothing that is less probable; higher is more silent.", between=(0, 1))
    debounce_ms: int = setting(
        60, "How long to wait for the next key before looking, in milliseconds.", between=(0, 10_000)
    )
    max_lines: int = setting(12, "Suggestions have at most so many lines.", between=(1, 200))
    limit: int = setting(1, "How many suggestions to choose from.", between=(1, 100))


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where the index lives."""

    directory: str = users_setting("", "Where codekin keeps its indexes; empty is the user's cache directory.")
    quota_mb: int = users_setting(
        2048, "Room for shared vectors, in MB; the longest unused are dropped first.", between=(16, 1_048_576)
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree."""

    index: IndexSettings = field(default_factory=IndexSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    symbols: SymbolSettings = field(default_factory=SymbolSettings)
    lens: LensSettings = field(default_factory=LensSettings)
    duplicates: DuplicateSettings = field(default_factory=DuplicateSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)

    @property
    def cache_directory(self) -> Path:
        """Where stores, vectors and graphs live: one folder per user."""
        if not self.cache.directory:
            return platformdirs.user_cache_path("codekin")
        return Path(self.cache.directory).expanduser()


def user_settings(client: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> tuple[Settings, tuple[SettingsError, ...]]:
    """The defaults, overlaid by the user's `config.toml`, by what the editor's `client` sends (sources and values),
    and by the environment (`CODEKIN_INDEX_WORKERS=2`).

    Never raises: a wrong value is reported and its default kept.
    """
    settings = Settings()
    problems: tuple[SettingsError, ...] = ()
    path = config_file()
    try:
        text = read_file(path, _MAX_BYTES).data.decode()
        settings, problems = overlay(settings, tomllib.loads(text), source=str(path))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:  # no TOML, or no UTF-8
        problems = (SettingsError(f"{path} can't be read ({error}); the defaults are used. Mend or remove the file."),)
    for source, values in (*client, ("the environment", _from_environment())):
        settings, more = overlay(settings, values, source=source)
        problems += more
    return settings, problems


def hub_cache() -> Path:
    """Where the Hugging Face hub's clients keep what they downloaded."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()


def runtime_directory() -> Path:
    """Where sockets of this user's codekin stand: a folder with a short path."""
    with warnings.catch_warnings():  # where the system has no such folder, one below its temporary folder does as well
        warnings.simplefilter("ignore")
        return platformdirs.user_runtime_path("codekin")


def endpoint_key() -> str:
    """What proves to the endpoint of model.endpoint who asks; empty where nobody has set it."""
    return os.environ.get("CODEKIN_ENDPOINT_KEY", "").strip()


def tcp_token() -> str:
    """What a client of `serve --tcp` must send; empty where nobody has set it."""
    return os.environ.get("CODEKIN_TCP_TOKEN", "").strip()


def config_file() -> Path:
    """The user's settings file; `CODEKIN_CONFIG` names another."""
    named = os.environ.get("CODEKIN_CONFIG")
    return Path(named) if named else platformdirs.user_config_path("codekin") / "config.toml"


def is_users_own(group: str, key: str) -> bool:
    """Whether the user alone may set this: no file of a workspace, and nobody who may have read one."""
    return (group, _snake(key)) in _users_own()


@cache
def _users_own() -> frozenset[tuple[str, str]]:
    groups = get_type_hints(Settings)
    leaves = ((name, leaf) for name, group in groups.items() if is_dataclass(group) for leaf in fields(group))
    return frozenset((name, leaf.name) for name, leaf in leaves if leaf.metadata["scope"] is Scope.USER)


def overlay(
    settings: Settings, values: Mapping[str, Any], *, source: str
) -> tuple[Settings, tuple[SettingsError, ...]]:
    """`settings` with the leaves that `values` names replaced; wrong ones are reported and left as they were."""
    problems: list[SettingsError] = []
    return _overlay(settings, values, "", source, problems), tuple(problems)


def _overlay(node: Any, values: Mapping[str, Any], prefix: str, source: str, problems: list[SettingsError]) -> Any:
    leaves = {leaf.name: leaf for leaf in fields(node)}
    hints = get_type_hints(type(node))
    changes: dict[str, Any] = {}
    for key, value in values.items():
        name = _snake(str(key))
        path = f"{prefix}{shown(str(key))[1:-1]}"
        if name not in leaves:
            known = ", ".join(prefix + leaf for leaf in leaves)
            problems.append(SettingsError(f"{source}: there is no setting {path}. There are: {known}."))
        elif is_dataclass(getattr(node, name)):
            if isinstance(value, Mapping):
                changes[name] = _overlay(getattr(node, name), value, f"{path}.", source, problems)
            elif value is not None:
                problems.append(SettingsError(f"{source}: {path} is a group of settings, not {shown(value)}."))
        elif value is not None:  # editors send null for a setting that nobody set
            try:
                changes[name] = checked_value(leaves[name], hints[name], value)
            except ValueError as error:
                default = getattr(node, name)
                problems.append(
                    SettingsError(f"{source}: {path} is {shown(value)}, but must be {error}; {default!r} is used.")
                )
    return replace(node, **changes)


def _snake(key: str) -> str:
    """`maxFileBytes`, as editors write it, is `max_file_bytes` here."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in key)


def _from_environment() -> dict[str, dict[str, Any]]:
    """`CODEKIN_INDEX_WORKERS=2` as `{"index": {"workers": 2}}`; values are read as TOML, else as plain strings."""
    values: dict[str, dict[str, Any]] = {}
    for group in fields(Settings):
        for leaf in fields(get_type_hints(Settings)[group.name]):
            text = os.environ.get(f"CODEKIN_{group.name}_{leaf.name}".upper())
            if text is not None:
                values.setdefault(group.name, {})[leaf.name] = _toml_value(text)
    return values


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, a number of thousands of digits, lists in lists in lists
        return text
