"""Scaled dot-product attention over a padded batch of texts, and its masks.

Sources: attention, arXiv 1706.03762; grouped queries (several query heads share a key-value head), arXiv 2305.13245.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.local.transformer.packing import PackedTokens

_MASKED_SCORE = float("-inf")
# Older versions of torch can't name the processor's capabilities.
_GET_CAPABILITIES: Callable[[], Mapping[str, object]] | None = getattr(torch.cpu, "get_capabilities", None)
_HAS_AMX_BF16 = bool(_GET_CAPABILITIES and _GET_CAPABILITIES().get("amx_bf16"))  # matrix tiles in the processor


def make_causal_mask(packed: PackedTokens, dtype: torch.dtype) -> Tensor:
    """Return the additive mask, (longest, past + longest), that hides from each token the tokens after it.

    The padding of a text comes after its tokens, so that it is hidden as well.
    """
    longest, device = packed.padded_to_packed.shape[1], packed.input_ids.device
    mask_shape = longest, packed.past_length + longest
    is_later = torch.ones(mask_shape, dtype=torch.bool, device=device).triu(packed.past_length + 1)
    return torch.zeros(mask_shape, dtype=dtype, device=device).masked_fill_(is_later, _MASKED_SCORE)


def make_padding_mask(packed: PackedTokens, dtype: torch.dtype) -> Tensor | None:
    """Return the additive mask, (n, 1, 1, past + longest), that hides padding only; None if there is no padding."""
    if packed.has_equal_lengths:
        return None
    is_padding = functional.pad(~packed.token_mask, (packed.past_length, 0), value=False)[:, None, None]
    return torch.zeros(is_padding.shape, dtype=dtype, device=is_padding.device).masked_fill_(is_padding, _MASKED_SCORE)


def compute_attention(query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None) -> Tensor:
    """Attend from query (n, heads, t, d) to key and value (n, key-value heads, s, d); return (n, heads, t, d)."""
    if query.is_cuda or (query.dtype == torch.bfloat16 and _HAS_AMX_BF16):
        return functional.scaled_dot_product_attention(query, key, value, attention_mask, enable_gqa=True)
    # On a processor without AMX (Zen 4), these products took 0.6 of the time of torch's fused kernel at our lengths.
    batch_size, num_heads, longest, head_dim = query.shape
    num_key_value_heads = key.shape[1]
    # Stack the query heads that share a key head, so that no key is copied for each of them.
    grouped_query = (query * head_dim**-0.5).reshape(batch_size, num_key_value_heads, -1, head_dim)
    scores = (grouped_query @ key.mT).view(batch_size, num_heads, longest, -1)
    if attention_mask is not None:
        scores += attention_mask
    probabilities = scores.softmax(-1).view(batch_size, num_key_value_heads, -1, scores.shape[-1])
    return (probabilities @ value).view(batch_size, num_heads, longest, head_dim)
