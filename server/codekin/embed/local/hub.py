"""Bringing a model here: what alone in codekin connects to the Hugging Face hub, and only when a person says so."""

from pathlib import Path

from codekin.embed.local.checkpoint import find_checkpoint, resolve_folder
from codekin.embed.local.presets import find_preset
from codekin.errors import ModelError
from codekin.settings import hub_cache

# Weights that run no code when they are read, and what tells of them; no pickles, no Python, no other formats' copies.
_WANTED = ("*.json", "*.safetensors", "README.md", "LICENSE*")
_NOT_WANTED = ("onnx/*", "openvino/*", "*.onnx.json", "eval*/*")


def download_model(name: str) -> Path:
    """Download the preset or the hub id into the hub's cache, or what is missing of it; its folder.

    Connects to the hub, with the user's own hub settings (HF_TOKEN, HF_ENDPOINT, proxies). Raises ModelError.
    """
    known = find_preset(name)
    hub = known.hub if known else name
    if resolve_folder(name) or hub.count("/") != 1:
        return find_checkpoint(name)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
    except ImportError as error:
        raise ModelError("Downloading needs huggingface-hub. Run: pip install 'codekin[transformers]'") from error
    try:
        snapshot_download(hub, cache_dir=hub_cache(), allow_patterns=list(_WANTED), ignore_patterns=list(_NOT_WANTED))
    except GatedRepoError as error:
        raise ModelError(f"{hub} wants its terms agreed to. Agree at the hub, then run: hf auth login") from error
    except RepositoryNotFoundError as error:
        raise ModelError(f"The hub has no {hub}. Look at the spelling, owner/name, or log in: hf auth login") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{hub} can't be downloaded ({reason}). Try again where the hub can be reached.") from error
    return find_checkpoint(name)
