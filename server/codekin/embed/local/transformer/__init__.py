"""Turn texts into vectors with torch: decoders (Qwen2, Qwen3, Llama, Mistral) and encoders (BERT, Nomic BERT).

Imported on first use; no other module of `embed/` imports torch. It never downloads, splits or ranks anything.
The layers are written out here, not taken from a library: texts are packed without padding, the keys and values of an
instruction are computed once, and weights may be int8.
"""

from codekin.embed.local.transformer.encoder import TransformerEncoder as TransformerEncoder
