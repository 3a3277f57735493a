"""Transformers as encoders, by torch: decoders (Qwen2, Qwen3, Llama, Mistral) and encoders (BERT, Nomic BERT).

Imported on first use; nothing else in `embed/` knows torch. The layers are written out here, not taken from a library:
texts stand end to end without padding, an instruction's keys and values are computed once, numbers may be int8.
"""

from codekin.embed.local.transformer.encoder import TransformerEncoder as TransformerEncoder
