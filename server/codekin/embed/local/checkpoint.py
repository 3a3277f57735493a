"""Read a model's files without torch, so that its vector space is known before anybody loads it.

The layout is that of sentence-transformers: `modules.json` (the steps), `1_Pooling/config.json`,
`config_sentence_transformers.json` (prompts), `sentence_bert_config.json` (the maximum length), beside `config.json`,
`tokenizer.json` and `*.safetensors`. What these files don't state comes from a preset, then from the settings, then
from a safe default: a decoder's last token, an encoder's mean.
"""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codekin.embed.local import small
from codekin.embed.local.checkpoint_files import (
    DECODERS,
    ENCODERS,
    DenseLayer,
    ModelSteps,
    check_architecture,
    find_weights,
    read_dense_layers,
    read_json,
    read_steps,
)
from codekin.embed.local.checkpoint_fingerprint import fingerprint_checkpoint
from codekin.embed.local.presets import PRESETS, Preset, find_preset
from codekin.embed.tasks import Prefixes
from codekin.errors import ModelError
from codekin.files import read_file, read_start
from codekin.settings import ModelSettings, hub_cache_folder
from codekin.types import Role, Task

Pooling = Literal["last", "mean", "cls"]

_POOLINGS: Mapping[str, Pooling] = {"lasttoken": "last", "mean": "mean", "cls": "cls"}
_LEGACY_POOLING_KEYS = {
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
}
_ROLE_NAMES = {Role.QUERY: ("query",), Role.PASSAGE: ("document", "passage")}
_MAX_CARD_BYTES = 1 << 16  # of a model card, for its front matter
_MAX_REVISION_BYTES = 256


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as its files describe it, without its weights loaded."""

    name: str
    folder: Path  # of config.json, tokenizer.json and the weights
    weights: tuple[Path, ...]
    config: Mapping[str, Any]
    licence: str  # "" if unknown
    pooling: Pooling
    includes_prompt: bool  # whether the mean includes the instruction's tokens
    prefixes: Prefixes
    dims: tuple[int, ...]  # Matryoshka dimensions, ascending; the last is the full vector's
    dense_layers: tuple[DenseLayer, ...]  # applied to the pooled vector, in order
    max_tokens: int  # of a text with its instruction
    fingerprint: str  # of everything that determines the raw vectors, except rounding

    @property
    def has_own_layers(self) -> bool:
        """Return whether codekin's own layers run the model, not the transformers library."""
        return self.config["model_type"] in (*DECODERS, *ENCODERS)

    @property
    def is_decoder(self) -> bool:
        """Return whether the model is a decoder: tokens attend only to those before them."""
        return self.config["model_type"] in DECODERS


def resolve_folder(name: str) -> Path | None:
    """Return the absolute path of an existing folder, links resolved; None if there is none, or no access."""
    try:
        folder = Path(name).expanduser()
        return folder.resolve() if name and folder.is_dir() else None
    except (OSError, RuntimeError):  # too long, not accessible, or below an unknown user's home
        return None


def find_checkpoint(name: str) -> Path:
    """Return a model's folder: codekin's own, that path, a package's, or one in the hub's cache. Raises ModelError.

    Never connects.
    """
    if name == small.NAME:
        return small.FOLDER
    if folder := resolve_folder(name):
        return folder
    preset = find_preset(name)
    hub_id = preset.hub_id if preset else name
    if hub_id.count("/") != 1 or hub_id.startswith((".", "/", "~")):
        choices = ", ".join(("embedded", small.NAME, *PRESETS))
        raise ModelError(f'There is no model "{name}". Choose one of {choices}, a hub id (owner/name), or a folder.')
    cached_model = hub_cache_folder() / f"models--{hub_id.replace('/', '--')}"
    try:
        revision = read_file(cached_model / "refs" / "main", _MAX_REVISION_BYTES).data.decode().strip()
        snapshot = cached_model / "snapshots" / revision
        if (snapshot / "config.json").exists():
            return snapshot
    except OSError:
        pass
    if preset and preset.package and (package_spec := importlib.util.find_spec(preset.package)):
        return Path(next(iter(package_spec.submodule_search_locations or ())), "model")
    raise ModelError(f"{hub_id} is not on this machine. Run: codekin model pull {name}")


def read_checkpoint(settings: ModelSettings) -> Checkpoint:
    """Return a Checkpoint: what the settings' model's files say, weights unread but for samples. Raises ModelError."""
    model_root = find_checkpoint(settings.name)
    try:
        return _read_checkpoint_files(model_root, settings)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:
        raise ModelError(f"{model_root} is not a complete model ({error!r}). Download the model again.") from error


def _read_checkpoint_files(model_root: Path, settings: ModelSettings) -> Checkpoint:
    """Return what the files below `model_root` say. Raises ModelError, or the errors of missing and wrong values."""
    preset = find_preset(settings.name) or find_preset(Path(settings.name).name)
    steps = read_steps(model_root)
    folder = model_root / steps.transformer
    config = read_json(folder / "config.json")
    if config is None:
        raise ModelError(f"{folder} has no config.json. Set model.name to a model's folder, or download it again.")
    weights = find_weights(folder)
    check_architecture(config, folder)
    pooling, includes_prompt = _choose_pooling(model_root, steps, settings, config)
    prefixes = _choose_prefixes(model_root, settings, preset)
    dense_layers = read_dense_layers(model_root, steps)
    dims = _choose_dimensions(config, settings, preset, dense_layers)
    max_tokens = _choose_max_tokens(folder, config, settings)
    vector_options = f"{pooling}/{includes_prompt}/{max_tokens}/{settings.precision == 'int8'}"
    vector_options += "".join(f"/{layer.out_features} {layer.has_tanh}" for layer in dense_layers)
    all_weights = (*weights, *(layer.weights for layer in dense_layers))
    return Checkpoint(
        _choose_name(settings.name, model_root, preset),
        folder,
        weights,
        config,
        preset.licence if preset else _read_licence(model_root),
        pooling,
        includes_prompt,
        prefixes,
        dims,
        dense_layers,
        max_tokens,
        fingerprint_checkpoint(folder, all_weights, vector_options),
    )


def _choose_name(name: str, model_root: Path, preset: Preset | None) -> str:
    """Return the model's name to show: the preset's, else its folder's, else its hub id."""
    if name == small.NAME:
        return small.TITLE
    if preset:
        return preset.hub_id.rpartition("/")[2]
    return model_root.name if resolve_folder(name) else name


def _read_licence(model_root: Path) -> str:
    """Return the licence in the front matter of the model card; "" if there is none."""
    try:
        front_matter = (
            read_start(model_root / "README.md", _MAX_CARD_BYTES).decode("utf-8", "replace").partition("\n---")[0]
        )
    except OSError:
        return ""
    licence_match = re.search(r"^license: *(\S+)", front_matter, re.MULTILINE)
    return licence_match[1] if licence_match else ""


def _choose_pooling(
    model_root: Path, steps: ModelSteps, settings: ModelSettings, config: Mapping[str, Any]
) -> tuple[Pooling, bool]:
    """Return the pooling, and whether a mean includes the instruction's tokens. Raises ModelError if unsupported."""
    pooling_config = read_json(model_root / steps.pooling / "config.json") if steps.pooling is not None else None
    if pooling_config is None:
        default_pooling: Pooling = "last" if config["model_type"] in DECODERS else "mean"
        return _POOLINGS.get(settings.pooling, "last" if settings.pooling == "last" else default_pooling), True
    mode_setting = pooling_config.get("pooling_mode")
    mode_names = [mode_setting] if isinstance(mode_setting, str) else list(mode_setting or ())
    mode_names = mode_names or [
        _LEGACY_POOLING_KEYS.get(key, key)
        for key, is_enabled in pooling_config.items()
        if key.startswith("pooling_mode_") and is_enabled is True
    ]
    if len(mode_names) != 1 or mode_names[0] not in _POOLINGS:
        joined_modes, supported_modes = " and ".join(mode_names) or "nothing", ", ".join(_POOLINGS)
        raise ModelError(
            f"{model_root.name} pools by {joined_modes}; codekin supports {supported_modes}. Choose another model."
        )
    return _POOLINGS[mode_names[0]], bool(pooling_config.get("include_prompt", True))


def _choose_prefixes(model_root: Path, settings: ModelSettings, preset: Preset | None) -> Prefixes:
    """Return (task, role) → instruction, "" where none is stated. Raises ModelError for an invalid setting."""
    checkpoint_prompts = (read_json(model_root / "config_sentence_transformers.json") or {}).get("prompts") or {}
    setting_prompts = dict(_parse_prompt(text) for text in settings.prompts)
    prefixes = {}
    for task in Task:
        for role in _ROLE_NAMES:
            preset_prefix = preset.prefixes.get((task, role)) if preset else None
            prefixes[task, role] = _choose_prefix((task, role), checkpoint_prompts, preset_prefix, setting_prompts)
    return prefixes


def _choose_prefix(
    prefix_key: tuple[Task, Role],
    checkpoint_prompts: Mapping[str, Any],
    preset_prefix: str | None,
    setting_prompts: Mapping[str, str],
) -> str:
    """Return the checkpoint's prompt for the task, else the preset's, the setting's, the checkpoint's for the role.

    The checkpoint's prompt for a role comes last, because it is mostly worded for questions to the web.
    """
    task, role = prefix_key
    role_names = _ROLE_NAMES[role]
    candidates = [
        *(checkpoint_prompts.get(f"{task}_{role_name}") for role_name in role_names),
        preset_prefix,
        *(setting_prompts.get(key) for role_name in role_names for key in (f"{task}_{role_name}", role_name)),
        *(checkpoint_prompts.get(role_name) for role_name in role_names),
    ]
    return str(next((prompt for prompt in candidates if prompt is not None), ""))


def _parse_prompt(text: str) -> tuple[str, str]:
    """Return name and text of a setting `NAME=TEXT`. Raises ModelError if it has no "="."""
    name, equals_sign, prompt = text.partition("=")
    if not equals_sign:
        raise ModelError(f'model.prompts: "{text}" has no prompt name. Write NAME=TEXT, as in "query=search: ".')
    return name.strip(), prompt


def _choose_max_tokens(folder: Path, config: Mapping[str, Any], settings: ModelSettings) -> int:
    """Return the smallest limit of the settings and the model's files. Raises ValueError if below 1, or none."""
    max_seq_length = (read_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if positions and str(config["model_type"]).endswith("roberta"):  # whose positions begin after that of padding
        positions = int(positions) - int(config.get("pad_token_id", 1)) - 1
    max_tokens = min(int(limit) for limit in (settings.max_tokens, max_seq_length, positions) if limit)
    if max_tokens < 1:
        raise ValueError(f"texts of {max_tokens} tokens")
    return max_tokens


def _choose_dimensions(
    config: Mapping[str, Any], settings: ModelSettings, preset: Preset | None, dense_layers: Sequence[DenseLayer]
) -> tuple[int, ...]:
    """Return the Matryoshka dimensions, ascending, and last the model's full one. Raises KeyError, ModelError."""
    hidden_size = int(config.get("hidden_size") or config["n_embd"])
    full_size = dense_layers[-1].out_features if dense_layers else hidden_size
    stated_dims = config.get("matryoshka_dims") or (preset and preset.matryoshka)
    shorter_dims = map(int, stated_dims) if stated_dims else read_dimensions(settings)
    return (*sorted({dim for dim in shorter_dims if 0 < dim < full_size}), full_size)


def read_dimensions(settings: ModelSettings) -> tuple[int, ...]:
    """Return the Matryoshka dimensions in the settings. Raises ModelError if one is no whole number."""
    try:
        return tuple(map(int, settings.matryoshka))
    except ValueError as error:
        raise ModelError(f"model.matryoshka is {settings.matryoshka}, but must be whole numbers.") from error
