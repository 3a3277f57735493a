"""Turn texts into vectors with torch: decoders (Qwen2, Qwen3, Llama, Mistral), encoders (BERT, Nomic BERT), any other.

Imported on first use; no other module of `embed/` imports torch. It never downloads, splits or ranks anything.
The layers of these are written out here: texts are packed without padding, the keys and values of an instruction are
computed once, and weights may be int8. Other architectures run through the transformers library.
"""

from codekin.embed.local.transformer.encoder import TransformerEncoder as TransformerEncoder
