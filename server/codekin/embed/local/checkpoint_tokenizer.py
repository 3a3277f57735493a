"""Load the tokenizer of a heavy model, without torch."""

from typing import Any

from tokenizers import Tokenizer

from codekin.embed.local.checkpoint import Checkpoint
from codekin.errors import ModelError


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """Load the model's tokenizer, which truncates to the checkpoint's limit and never pads. Raises ModelError.

    Also if the instructions alone reach that limit.
    """
    try:
        tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing more exact
        raise ModelError(f"{checkpoint.folder}/tokenizer.json can't be read ({error}). Download it again.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    longest = max(len(tokenizer.encode(prefix).ids) for prefix in checkpoint.prefixes.values())
    if longest >= checkpoint.max_tokens:  # no token of a text would be left
        problem = f"The instructions of {checkpoint.name} alone take up to {longest} tokens, of {checkpoint.max_tokens}"
        raise ModelError(f"{problem}. Raise model.max_tokens.")
    tokenizer.enable_truncation(checkpoint.max_tokens)
    return tokenizer
