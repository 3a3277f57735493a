"""Download models: the only code that connects to the Hugging Face hub, and only on a person's command."""

from pathlib import Path

from codekin.embed.local.checkpoint import find_checkpoint, resolve_folder
from codekin.embed.local.presets import find_preset
from codekin.errors import ModelError
from codekin.settings import hub_cache_folder

# Weights that run no code when read, and their metadata; no pickles, no Python, no copies in other formats.
_ALLOWED_PATTERNS = ("*.json", "*.safetensors", "README.md", "LICENSE*")
_IGNORED_PATTERNS = ("onnx/*", "openvino/*", "*.onnx.json", "eval*/*")


def download_model(name: str) -> Path:
    """Download what is missing of a preset or hub id into the hub's cache; return its folder. Raises ModelError.

    Connects to the hub, with the user's own hub settings (HF_TOKEN, HF_ENDPOINT, proxies). For the path of a folder
    nothing is downloaded.
    """
    preset = find_preset(name)
    hub_id = preset.hub_id if preset else name
    if resolve_folder(name) or hub_id.count("/") != 1:
        return find_checkpoint(name)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
    except ImportError as error:
        raise ModelError("Downloading needs huggingface-hub. Run: pip install 'codekin[transformers]'") from error
    try:
        snapshot_download(
            hub_id,
            cache_dir=hub_cache_folder(),
            allow_patterns=list(_ALLOWED_PATTERNS),
            ignore_patterns=list(_IGNORED_PATTERNS),
        )
    except GatedRepoError as error:
        raise ModelError(
            f"{hub_id} requires you to accept its terms. Accept them on the hub, then run: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"The hub has no {hub_id}. Check the spelling (owner/name), or log in: hf auth login"
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{hub_id} can't be downloaded ({reason}). Check the connection to the hub and try again."
        ) from error
    return find_checkpoint(name)
