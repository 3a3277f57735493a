"""One frozen tree of defaults, and the only reader of the environment.

Every leaf carries its description, its bounds and who may set it in its metadata (bounds.py): the README's table, the
editors' settings pages, the checks below and the server's all come from there. Sources, weakest first: the defaults
here, the user's `config.toml`, what the editor's client sends, environment variables.
"""

import os
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from codekin.bounds import (
    MAX_DIMENSIONS,
    MAX_HITS,
    Machine,
    Scope,
    SettingsOverride,
    patterns_setting,
    setting,
    to_snake_case,
    users_setting,
)
from codekin.errors import SettingsError
from codekin.files import read_file
from codekin.language_table import LANGUAGES

FILE_REMEDY = " Fix or remove the file."  # of a config.toml that can't be read
_MAX_CONFIG_BYTES = 262_144  # of config.toml


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Which files are indexed, and how much work the machine may do for it."""

    exclude: tuple[str, ...] = setting((), "Additional paths to exclude, in .gitignore syntax.")
    include: tuple[str, ...] = setting(
        (), "Paths to index even though a built-in rule excludes them, in .gitignore syntax."
    )
    languages: Mapping[str, str] = patterns_setting(
        "Languages of files by patterns, such as `php` for `*.inc`. The last pattern that matches counts.",
        choices=LANGUAGES,
    )
    max_file_bytes: int = users_setting(1_048_576, "Maximum size of a file, in bytes.", between=(1, 100_000_000))
    debounce_ms: int = setting(150, "Delay between an edit and its indexing, in milliseconds.", between=(0, 60_000))
    workers: int = users_setting(
        0, "Worker processes for bulk indexing. 0 suits the machine.", between=(0, Machine.PROCESSORS)
    )
    polling_s: float = users_setting(
        5.0, "Seconds between scans where file watching is unavailable.", between=(0.5, 86_400)
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The embedding model, and how it runs."""

    name: str = users_setting(
        "embedded", 'Embedding model: "embedded", a name from `codekin model list`, a hub id, or a folder.'
    )
    small: bool = users_setting(True, "Let the small model fill in behind the embedded one (needs codekin[small]).")
    dim: int = users_setting(
        0,
        "Vector dimension (a Matryoshka dimension of the model). 0 is the model's default.",
        between=(0, MAX_DIMENSIONS),
    )
    max_tokens: int = users_setting(
        512, "Maximum number of tokens per text; longer texts are truncated.", between=(16, 131_072)
    )
    device: str = users_setting("auto", "Device that a heavy model runs on.", choices=("auto", "cpu", "cuda", "mps"))
    precision: str = users_setting(
        "auto",
        "Number format of a heavy model. int8 is the fastest on a CPU and slightly less accurate.",
        choices=("auto", "float32", "bfloat16", "int8"),
    )
    pooling: str = users_setting(
        "auto",
        "Pooling of a heavy model whose files do not specify one.",
        choices=("auto", "last", "mean", "cls"),
    )
    prompts: tuple[str, ...] = users_setting(
        (),
        "Prompts for a heavy model whose files have none: `query=…`, `document=…`, `nl2code_query=…`.",
    )
    matryoshka: tuple[str, ...] = users_setting((), "Dimensions that a heavy model's vectors may be truncated to.")
    idle_s: float = users_setting(
        600.0, "Idle seconds after which a heavy model is unloaded.", between=(0.1, 2_592_000)
    )
    on_battery: bool = users_setting(False, "Let a heavy model work through the index on battery power, too.")
    endpoint: str = users_setting(
        "",
        "URL of a server with an OpenAI-compatible embeddings API (http://localhost:8080/v1) that runs the model. "
        "Your code is sent there. Set its API key in the environment variable CODEKIN_ENDPOINT_KEY.",
    )
    endpoint_timeout_s: float = users_setting(
        60.0, "Timeout of a request to the endpoint, in seconds.", between=(0.1, 3_600)
    )
    endpoint_batch: int = users_setting(32, "Number of texts sent to the endpoint per request.", between=(1, 2_048))


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Answers to queries."""

    limit: int = setting(10, "Maximum number of results.", between=(1, MAX_HITS))


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """Workspace symbols."""

    by_name: bool = setting(
        True, "Also find symbols by name, not only by meaning. Turn this off if another server does so."
    )


@dataclass(frozen=True, slots=True)
class LensSettings:
    """The code lens above each function."""

    enabled: bool = setting(False, 'Show a code lens "N similar" above functions.')


@dataclass(frozen=True, slots=True)
class DuplicateSettings:
    """Diagnostics for duplicated code."""

    enabled: bool = setting(False, "Report duplicated functions as informational diagnostics.")
    min_lines: int = setting(5, "Minimum number of lines of a reported function.", between=(1, 100_000))


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """Completions, as ghost text and as completion items."""

    enabled: bool = setting(True, "Suggest completions taken from the workspace.")
    floor: float = setting(0.35, "Minimum confidence for a suggestion. Higher shows fewer.", between=(0, 1))
    debounce_ms: int = setting(
        60, "Delay between a key stroke and the search for completions, in milliseconds.", between=(0, 10_000)
    )
    max_lines: int = setting(12, "Maximum number of lines of a suggestion.", between=(1, 200))
    limit: int = setting(1, "Maximum number of suggestions.", between=(1, 100))


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Location and size of the indexes."""

    directory: str = users_setting("", "Folder for the indexes. Empty means the user's cache directory.")
    quota_mb: int = users_setting(
        2048,
        "Maximum size of the shared vectors, in MB. The oldest that no workspace has are removed first.",
        between=(16, 1_048_576),
    )


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """The command line."""

    resident: bool = users_setting(
        True, "Leave a process that answers later commands at once; it ends after ten idle minutes."
    )


@dataclass(frozen=True, slots=True)
class TeamSettings:
    """The team's shared index, asked beside the local one."""

    url: str = users_setting(
        "",
        "Address of the team's gateway (https://codekin.example.com). Vectors of what you ask, hashes of code, and the "
        "words of questions are sent there. Empty: nobody is asked.",
    )
    token: str = users_setting("", "Your token for the team's gateway.")
    clones: tuple[str, ...] = users_setting((), "Folders of clones, where the team's hits are opened.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings."""

    index: IndexSettings = field(default_factory=IndexSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    symbols: SymbolSettings = field(default_factory=SymbolSettings)
    lens: LensSettings = field(default_factory=LensSettings)
    duplicates: DuplicateSettings = field(default_factory=DuplicateSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    cli: CommandSettings = field(default_factory=CommandSettings)
    team: TeamSettings = field(default_factory=TeamSettings)

    @property
    def cache_directory(self) -> Path:
        """Return the folder of stores, vectors and graphs: `cache.directory`, else the user's cache directory."""
        directory = self.cache.directory
        return Path(directory).expanduser() if directory else platformdirs.user_cache_path("codekin")


SettingsAndProblems = tuple[Settings, tuple[SettingsError, ...]]


def load_user_settings(client: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> SettingsAndProblems:
    """Return settings and problems: defaults, `config.toml`, the editor's `client` and the environment; the last wins.

    `client` are pairs of source and values; environment variables are named like `CODEKIN_INDEX_WORKERS=2`.
    Never raises: invalid values are reported, and the default is used.
    """
    settings, path = Settings(), config_file()
    problems: tuple[SettingsError, ...] = ()
    try:
        text = read_file(path, _MAX_CONFIG_BYTES).data.decode()
        settings, problems = override_settings(settings, tomllib.loads(text), source=str(path))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        problems = (SettingsError(f"{path} can't be read ({error}); the defaults are used.{FILE_REMEDY}"),)
    for source, values in (*client, ("the environment", _read_environment())):
        settings, new_problems = override_settings(settings, values, source=source)
        problems += new_problems
    return settings, problems


def hub_cache_folder() -> Path:
    """Return the cache folder of the Hugging Face hub's clients, as HF_HUB_CACHE, HF_HOME or XDG_CACHE_HOME set it."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()


def runtime_directory() -> Path:
    """Return the folder for sockets of this user's processes (a short path); does not create it."""
    with warnings.catch_warnings():  # it warns where it falls back to the temporary folder, which will do
        warnings.simplefilter("ignore")
        return platformdirs.user_runtime_path("codekin")


def endpoint_key() -> str:
    """Return the API key for model.endpoint from CODEKIN_ENDPOINT_KEY; "" where that is not set."""
    return os.environ.get("CODEKIN_ENDPOINT_KEY", "").strip()


def is_continuous_integration() -> bool:
    """Return whether the environment's CI says that this is a job of CI, which is to leave no process behind."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false")


def tcp_token() -> str:
    """Return the token that a client of `serve --tcp` must send, from CODEKIN_TCP_TOKEN; "" where that is not set."""
    return os.environ.get("CODEKIN_TCP_TOKEN", "").strip()


def config_file() -> Path:
    """Return the path of the user's settings: CODEKIN_CONFIG if set, else `config.toml` in the user's config folder."""
    chosen_path = os.environ.get("CODEKIN_CONFIG")
    return Path(chosen_path) if chosen_path else platformdirs.user_config_path("codekin") / "config.toml"


def is_users_own(group: str, key: str) -> bool:
    """Return whether only the user may set the setting `group.key`, and not a workspace's file."""
    return (group, to_snake_case(key)) in _find_user_scoped_names()


@cache
def _find_user_scoped_names() -> frozenset[tuple[str, str]]:
    """Return (group, name) of the settings that only the user may set; cached."""
    groups = get_type_hints(Settings)
    leaves = ((name, leaf) for name, group in groups.items() if is_dataclass(group) for leaf in fields(group))
    return frozenset((name, leaf.name) for name, leaf in leaves if leaf.metadata["scope"] is Scope.USER)


def override_settings(settings: Settings, values: Mapping[str, Any], *, source: str) -> SettingsAndProblems:
    """Return a copy of `settings` with the leaves in `values` replaced, and problems: invalid ones change nothing."""
    settings_override = SettingsOverride(source)
    return settings_override.apply(settings, values, prefix=""), tuple(map(SettingsError, settings_override.problems))


def _read_environment() -> dict[str, dict[str, Any]]:
    """Return a dict of the environment's settings: CODEKIN_INDEX_WORKERS=2 → `{"index": {"workers": 2}}`."""
    values: dict[str, dict[str, Any]] = {}
    for group in fields(Settings):
        for leaf in fields(get_type_hints(Settings)[group.name]):
            text = os.environ.get(f"CODEKIN_{group.name}_{leaf.name}".upper())
            if text is not None:
                values.setdefault(group.name, {})[leaf.name] = _parse_toml_or_string(text)
    return values


def _parse_toml_or_string(text: str) -> Any:
    """Return the text parsed as a TOML value; the text itself if it is none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # not TOML, a number of thousands of digits, or lists nested too deeply
        return text
