"""Tiny BERT encoders of random weights, whose WordPiece vocabulary has the unused pieces of the real one."""

import json
from pathlib import Path

WORDS_BY_ROLE = {
    "verbs": ("open", "close", "read", "write", "delete", "sort", "get"),
    "nouns": ("file", "socket", "list", "table", "image", "user", "handle", "element", "id"),
    "functions": ("fopen", "fclose", "fread", "fwrite", "unlink", "qsort"),
    "objects": ("sock", "items", "rows", "pixels", "account"),
    "others": ("now", "the", "def", "return", "in", "of", "by"),
}


def write_encoder(folder: Path, hidden_size: int = 32, unused_pieces: int = 12) -> Path:
    """Write a BERT of two layers, laid out as all-MiniLM-L6-v2 is, and return its folder."""
    import torch
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import BertConfig, BertModel

    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    pieces = ["[PAD]", *(f"[unused{index}]" for index in range(unused_pieces)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [
        *letters,
        *(f"##{letter}" for letter in letters),
        *(word for words in WORDS_BY_ROLE.values() for word in words),
    ]
    vocabulary = {piece: piece_id for piece_id, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    special_ids = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=special_ids)
    torch.manual_seed(0)
    shape = {"hidden_size": hidden_size, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=64, **shape))
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return folder
