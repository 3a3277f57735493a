"""What a model's folder says of it, read without torch: the server knows a model's space before anybody loads it.

The layout is sentence-transformers': `modules.json` (the steps), `1_Pooling/config.json`,
`config_sentence_transformers.json` (prompts), `sentence_bert_config.json` (the longest text), beside `config.json`,
`tokenizer.json` and `*.safetensors`. Where these files decide, they do; else a preset, else the settings, else a guess
that is safe: a decoder's last token, an encoder's mean.
"""

import hashlib
import importlib.util
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codekin.embed.local.presets import PRESETS, Preset, find_preset
from codekin.embed.tasks import Prefixes
from codekin.errors import ModelError
from codekin.files import open_file, read_file, read_start
from codekin.settings import ModelSettings, hub_cache
from codekin.types import Role, Task

Pooling = Literal["last", "mean", "cls"]

DECODERS = ("qwen2", "qwen3", "llama", "mistral")
ENCODERS = ("bert", "nomic_bert")
_POOLINGS: Mapping[str, Pooling] = {"lasttoken": "last", "mean": "mean", "cls": "cls"}
_STEPS = ("Transformer", "Pooling", "Normalize")
_ROLE_NAMES = {Role.QUERY: ("query",), Role.PASSAGE: ("document", "passage")}
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
_MAX_JSON_BYTES = 1 << 28  # of a model's files but for its weights; the largest known tokenizer has 33 MB
_MAX_CARD_BYTES = 1 << 16  # of a card, for its head
_MAX_REVISION_BYTES = 256
_PIECE = 4096  # bytes hashed at the start, the middle and the end of each tensor


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as its files describe it."""

    name: str
    folder: Path  # of config.json, tokenizer.json and the weights
    weights: tuple[Path, ...]
    config: Mapping[str, Any]
    licence: str  # "" where nobody says
    pooling: Pooling
    includes_prompt: bool  # whether the mean is over the instruction's tokens, too
    prefixes: Prefixes
    dims: tuple[int, ...]  # Matryoshka dimensions, ascending; the last is the whole vector's
    max_tokens: int  # of a text with its instruction
    fingerprint: str  # of all that determines the raw vectors but for rounding

    @property
    def is_decoder(self) -> bool:
        """Whether a token sees only those before it."""
        return self.config["model_type"] in DECODERS


def resolve_folder(name: str) -> Path | None:
    """The folder that has this path, absolute; None where there is none, or none that may be looked at."""
    try:
        folder = Path(name).expanduser()
        return folder.resolve() if name and folder.is_dir() else None
    except (OSError, RuntimeError):  # it is too long, not for us to see, or in the home of nobody
        return None


def find_checkpoint(name: str) -> Path:
    """The folder of the model that is a folder itself, or was downloaded to the hub's cache before.

    Never connects to anything. Raises ModelError.
    """
    if folder := resolve_folder(name):
        return folder
    known = find_preset(name)
    hub = known.hub if known else name
    if hub.count("/") != 1 or hub.startswith((".", "/", "~")):
        names = ", ".join(("embedded", *PRESETS))
        raise ModelError(f'There is no model "{name}". Choose one of {names}, a hub id (owner/name), or a folder.')
    cached = hub_cache() / f"models--{hub.replace('/', '--')}"
    try:
        revision = read_file(cached / "refs" / "main", _MAX_REVISION_BYTES).data.decode().strip()
        snapshot = cached / "snapshots" / revision
        if (snapshot / "config.json").exists():
            return snapshot
    except OSError:
        pass
    if known and known.package and (spec := importlib.util.find_spec(known.package)):
        return Path(next(iter(spec.submodule_search_locations or ())), "model")
    raise ModelError(f"{hub} is not on this machine. Run: codekin model pull {name}")


def read_checkpoint(settings: ModelSettings) -> Checkpoint:
    """What the files of the model that the settings name say. Raises ModelError."""
    root = find_checkpoint(settings.name)
    try:
        return _read(root, settings)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:
        raise ModelError(f"{root} is no whole model ({error!r}). Download the model again.") from error


def _read(root: Path, settings: ModelSettings) -> Checkpoint:
    known = find_preset(settings.name) or find_preset(Path(settings.name).name)
    steps = _steps(root)
    folder = root / steps["Transformer"]
    config = _json(folder / "config.json")
    if config is None:
        raise ModelError(f"{folder} has no config.json. Name a model's folder, or download it again.")
    weights = _weights(folder)
    _refuse_foreign(config, folder)
    pooling, includes_prompt = _pooling(root, steps, settings, config)
    prefixes = _prefixes(root, settings, known)
    width, max_tokens = int(config.get("hidden_size") or config["n_embd"]), _longest(folder, config, settings)
    dims = (*sorted({dim for dim in _matryoshka(config, settings, known) if 0 < dim < width}), width)
    vectors = f"{pooling}/{includes_prompt}/{max_tokens}/{settings.precision == 'int8'}"
    return Checkpoint(
        _name(settings.name, root, known),
        folder,
        weights,
        config,
        known.licence if known else _licence(root),
        pooling,
        includes_prompt,
        prefixes,
        dims,
        max_tokens,
        _fingerprint(folder, weights, vectors),
    )


def _name(name: str, root: Path, known: Preset | None) -> str:
    if known:
        return known.hub.rpartition("/")[2]
    return root.name if resolve_folder(name) else name


def _licence(root: Path) -> str:
    """As the model's card says, in its head."""
    try:
        head = read_start(root / "README.md", _MAX_CARD_BYTES).decode("utf-8", "replace").partition("\n---")[0]
    except OSError:
        return ""
    told = re.search(r"^license: *(\S+)", head, re.MULTILINE)
    return told[1] if told else ""


def _json(path: Path, kind: type = dict) -> Any:
    """The file's content; None where there is no file."""
    try:
        content = json.loads(read_file(path, _MAX_JSON_BYTES).data.decode())
        if not isinstance(content, kind):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} can't be read ({error}). Download the model again.") from error


def _steps(root: Path) -> dict[str, str]:
    """What is done to a text, by its kind, and the folder that tells more of it."""
    steps = {"Transformer": ""}
    for step in _json(root / "modules.json", list) or ():
        library, _, kind = str(step["type"]).rpartition(".")
        if not library.startswith("sentence_transformers") or kind not in _STEPS:
            remedy = "Serve it by a program that knows it, and name the endpoint, or choose another model."
            raise ModelError(f"{root.name} has a step that codekin does not know ({step['type']}). {remedy}")
        steps[kind] = str(step["path"])
    return steps


def _weights(folder: Path) -> tuple[Path, ...]:
    index = _json(folder / "model.safetensors.index.json")
    names = sorted(set(index["weight_map"].values())) if index else ["model.safetensors"]
    missing = [name for name in names if not (folder / name).exists()]
    if not missing:
        return tuple(folder / name for name in names)
    if not index and any(found for pattern in _PICKLES for found in folder.glob(pattern)):
        remedy = "Ask its authors for model.safetensors, or convert it yourself (transformers' save_pretrained)."
        raise ModelError(f"{folder} has only pickled weights, which may run code when they are read. {remedy}")
    raise ModelError(f"{folder} lacks {', '.join(missing)}. Download the model again (codekin model pull).")


def _refuse_foreign(config: Mapping[str, Any], folder: Path) -> None:
    kind = config.get("model_type")
    if kind not in (*DECODERS, *ENCODERS):
        known = ", ".join((*DECODERS, *ENCODERS))
        own = " by code of its own, which codekin never runs" if "auto_map" in config else ""
        remedy = "Serve it by a program that knows it, and name the endpoint, or choose another model."
        raise ModelError(f"{folder} has a model of the kind {kind}{own}; there are {known}. {remedy}")
    if not (folder / "tokenizer.json").exists():
        remedy = "Make it with transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…)."
        raise ModelError(f"{folder} has no tokenizer.json. {remedy}")


def _pooling(
    root: Path, steps: Mapping[str, str], settings: ModelSettings, config: Mapping[str, Any]
) -> tuple[Pooling, bool]:
    told = _json(root / steps["Pooling"] / "config.json") if "Pooling" in steps else None
    if told is None:
        guess: Pooling = "last" if config["model_type"] in DECODERS else "mean"
        return _POOLINGS.get(settings.pooling, "last" if settings.pooling == "last" else guess), True
    named = told.get("pooling_mode")
    modes = [named] if isinstance(named, str) else list(named or ())
    old = {"pooling_mode_lasttoken": "lasttoken", "pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    modes = modes or [old.get(key, key) for key, on in told.items() if key.startswith("pooling_mode_") and on is True]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        its, ours = " and ".join(modes) or "nothing", ", ".join(_POOLINGS)
        raise ModelError(f"{root.name} pools by {its}; codekin by {ours}. Choose another.")
    return _POOLINGS[modes[0]], bool(told.get("include_prompt", True))


def _prefixes(root: Path, settings: ModelSettings, known: Preset | None) -> Prefixes:
    """For each task and role the checkpoint's prompt for the task, else the preset's, else the setting's, else the
    checkpoint's for the role: what is said of every query is mostly said of the web's."""
    told = (_json(root / "config_sentence_transformers.json") or {}).get("prompts") or {}
    asked = dict(_prompt(text) for text in settings.prompts)
    found = {}
    for task in Task:
        for role, names in _ROLE_NAMES.items():
            own = [told[f"{task}_{name}"] for name in names if told.get(f"{task}_{name}") is not None]
            own += [known.prefixes[task, role]] if known and (task, role) in known.prefixes else []
            own += [asked[key] for name in names for key in (f"{task}_{name}", name) if key in asked]
            own += [told[name] for name in names if told.get(name) is not None]
            found[task, role] = str(own[0]) if own else ""
    return found


def _prompt(text: str) -> tuple[str, str]:
    name, equals, prompt = text.partition("=")
    if not equals:
        raise ModelError(f'model.prompts: "{text}" names no prompt. Write NAME=TEXT, as in "query=search: ".')
    return name.strip(), prompt


def _longest(folder: Path, config: Mapping[str, Any], settings: ModelSettings) -> int:
    told = (_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    longest = min(int(limit) for limit in (settings.max_tokens, told, positions) if limit)
    if longest < 1:
        raise ValueError(f"texts of {longest} tokens")
    return longest


def _matryoshka(config: Mapping[str, Any], settings: ModelSettings, known: Preset | None) -> tuple[int, ...]:
    if told := config.get("matryoshka_dims") or (known and known.matryoshka):
        return tuple(map(int, told))
    return read_dimensions(settings)


def read_dimensions(settings: ModelSettings) -> tuple[int, ...]:
    """The Matryoshka dimensions of the settings. Raises ModelError."""
    try:
        return tuple(map(int, settings.matryoshka))
    except ValueError as error:
        raise ModelError(f"model.matryoshka is {settings.matryoshka}, but must be whole numbers.") from error


def _fingerprint(folder: Path, weights: tuple[Path, ...], vectors: str) -> str:
    digest = hashlib.sha256(vectors.encode())
    for name in ("config.json", "tokenizer.json"):
        digest.update(read_file(folder / name, _MAX_JSON_BYTES).data)
    for path in weights:
        for piece in _pieces(path):
            digest.update(piece)
    return digest.hexdigest()[:16]


def _pieces(path: Path) -> Iterator[bytes]:
    """The header of a safetensors file, and three pieces of each tensor: training changes every number of a tensor,
    so that they tell two models apart in milliseconds where gigabytes would take seconds."""
    try:
        with open_file(path) as stream:
            (size,) = struct.unpack("<Q", stream.read(8))
            if size > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = stream.read(size)
            yield header
            end = path.stat().st_size - 8 - size
            for name, tensor in json.loads(header).items():
                if name == "__metadata__":
                    continue
                first, last = tensor["data_offsets"]
                if not 0 <= first <= last <= end:
                    raise ValueError(f"{name} is cut off")
                for start in (first, (first + last) // 2, max(first, last - _PIECE)):
                    stream.seek(8 + size + start)
                    yield stream.read(min(_PIECE, last - start))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(f"{path} is no whole safetensors file ({error}). Download the model again.") from error
