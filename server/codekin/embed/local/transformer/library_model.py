"""Run any architecture that the transformers library knows: slower than the layers written out here, which pack texts.

No code of a model is run, and only safetensors are read.
"""

from pathlib import Path
from typing import Any

from torch import Tensor

from codekin.embed.local.transformer.device import Device
from codekin.embed.local.transformer.packing import PackedTokens
from codekin.errors import ModelError

_REMEDY = "Serve it with a program that supports it and set model.endpoint, or choose another model."


class LibraryModel:
    """Packed tokens → hidden states of the last layer, by transformers' AutoModel."""

    def __init__(self, folder: Path, device: Device) -> None:
        """Load the model. Raises ModelError for one that the library doesn't know, or only with code of the model."""
        try:
            from transformers import AutoConfig, AutoModel
            from transformers.utils.logging import disable_progress_bar, set_verbosity_error
        except ImportError as error:
            remedy = "Run: pip install 'codekin[transformers]'"
            raise ModelError(
                f"{folder} needs the transformers library, which can't be loaded ({error}). {remedy}"
            ) from error
        disable_progress_bar()
        set_verbosity_error()
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(folder, **options)
        except (OSError, ValueError, KeyError) as error:
            problem = f"{folder} has a model that needs custom code, which codekin never runs, or a newer transformers"
            raise ModelError(f"{problem} ({_first_line(error)}). {_REMEDY}") from error
        if config.is_encoder_decoder:
            raise ModelError(f"{folder} has a model of type {config.model_type}, which is no embedder. {_REMEDY}")
        try:
            model = AutoModel.from_pretrained(folder, dtype=device.dtype, use_safetensors=True, **options)
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} can't be loaded ({_first_line(error)}). Download the model again.") from error
        self._model: Any = model.to(device.device).eval()
        self.vocab_size = int(self._model.get_input_embeddings().num_embeddings)

    def compute_states(self, packed: PackedTokens) -> Tensor:
        """Return the hidden states of the last layer, (t, hidden size)."""
        token_ids = packed.input_ids[packed.padded_to_packed]  # (n, longest)
        states: Tensor = self._model(input_ids=token_ids, attention_mask=packed.token_mask.long()).last_hidden_state
        return states.flatten(0, 1)[packed.packed_to_padded]


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, which may have many."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
