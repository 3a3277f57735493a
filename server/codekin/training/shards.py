"""Turn pairs into numbers: learn the vocabulary from their texts, and keep the token ids in flat arrays."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from codekin.embed.vocabulary import Vocabulary, replace_surrogates, split_identifier, split_tokens
from codekin.training.decontamination import BenchmarkTexts
from codekin.training.docs_pages import TextPair

SENTENCE_QUERY_KINDS = {"doc", "asked", "name", "comment", "example", "section"}  # kinds whose queries are sentences


def read_pairs(pairs_path: Path) -> Iterator[TextPair]:
    """Yield pairs of a file of gzipped JSON lines, `[kind, query, passage, language]`. Raises OSError, ValueError."""
    with gzip.open(pairs_path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield TextPair(*json.loads(line))


def learn_vocabulary(texts: Iterable[str], vocabulary_size: int) -> str:
    """Learn a lower-cased BPE from the texts' distinct split identifiers; return its `tokenizer.json` as text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary_size, min_frequency=3, limit_alphabet=200, show_progress=False)
    split_texts = (
        " ".join(subword for word in dict.fromkeys(split_tokens(text)) for subword in split_identifier(word))
        for text in texts
    )
    tokenizer.train_from_iterator(map(replace_surrogates, split_texts), trainer)
    return str(tokenizer.to_str())


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """Token ids of n texts: text i is `ids[starts[i]:starts[i + 1]]`."""

    ids: NDArray[np.uint16]
    starts: NDArray[np.int64]  # (n + 1,)
    keys: NDArray[np.int64]  # (n,): equal for equal token lists

    def __len__(self) -> int:
        return len(self.keys)

    def take_rows(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the flat token ids of the texts in these rows (at least one), int64, and where each text begins."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        text_ends = np.cumsum(lengths)
        text_starts = text_ends - lengths
        flat_positions = np.arange(text_ends[-1]) + np.repeat(self.starts[rows] - text_starts, lengths)
        return self.ids[flat_positions].astype(np.int64), text_starts


@dataclass(frozen=True, slots=True)
class TokenizedPairs:
    """The tokenized pairs of one kind."""

    queries: TokenizedTexts
    passages: TokenizedTexts
    groups: NDArray[np.int64]  # (n,): equal for pairs of one package and language

    def __len__(self) -> int:
        return len(self.queries)


def flatten_texts(token_lists: Sequence[Sequence[int]]) -> TokenizedTexts:
    """Return token lists as flat ids, starts and keys, equal for the same tokens in any order. Ids are below 65,536.

    Raises OverflowError for larger ones.
    """
    arrays = [np.array(token_ids, dtype=np.uint16) for token_ids in token_lists]
    starts = np.zeros(len(arrays) + 1, dtype=np.int64)
    np.cumsum([len(token_ids) for token_ids in arrays], out=starts[1:])
    keys = np.array([crc32(np.sort(token_ids).tobytes()) for token_ids in arrays], dtype=np.int64)
    return TokenizedTexts(np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.uint16), starts, keys)


def tokenize_pairs(
    pairs_path: Path, tokenizer: Path, phrases: int, benchmark_texts: BenchmarkTexts, shares: Mapping[str, float]
) -> dict[str, TokenizedPairs]:
    """Return kind → tokenized pairs of a package's file, thinned by kind, no benchmark's text. Runs in a worker.

    Of each kind, the share in `shares` is kept. Pairs with a benchmark's text, or with a text of fewer than two tokens,
    are dropped.
    """
    vocabulary = Vocabulary(tokenizer, phrases)
    generator = Random(crc32(pairs_path.name.encode()))  # noqa: S311 -- sampling, not secrets
    pairs_by_kind: dict[str, list[TextPair]] = {}
    for pair in read_pairs(pairs_path):
        if generator.random() < shares.get(pair.kind, 1.0) and not benchmark_texts.contains(pair):
            pairs_by_kind.setdefault(pair.kind, []).append(pair)
    return {kind: _tokenize_kind(kind, pairs, vocabulary, pairs_path.name) for kind, pairs in pairs_by_kind.items()}


def _tokenize_kind(kind: str, pairs: Sequence[TextPair], vocabulary: Vocabulary, package: str) -> TokenizedPairs:
    """Return the tokenized pairs of one kind, without those that have a text of fewer than two tokens."""
    is_sentence = kind in SENTENCE_QUERY_KINDS
    queries = [
        vocabulary.find_token_ids(pair.query, is_sentence)
        + ([] if is_sentence else vocabulary.find_mark_ids(pair.query))
        for pair in pairs
    ]
    passages = [vocabulary.find_token_ids(pair.passage) + vocabulary.find_mark_ids(pair.passage) for pair in pairs]
    kept_rows = [row for row in range(len(pairs)) if len(queries[row]) > 1 and len(passages[row]) > 1]
    return TokenizedPairs(
        flatten_texts([queries[row] for row in kept_rows]),
        flatten_texts([passages[row] for row in kept_rows]),
        np.array([crc32(f"{package} {pairs[row].language}".encode()) for row in kept_rows], dtype=np.int64),
    )


def concatenate_pairs(pair_sets: Sequence[TokenizedPairs]) -> TokenizedPairs:
    """Return the pairs of one kind from all packages (≥ 1), of pairs with the same tokens only the first."""
    queries, passages = (
        _concatenate_texts([getattr(pairs, side) for pairs in pair_sets]) for side in ("queries", "passages")
    )
    key_pairs = np.stack([queries.keys, passages.keys], axis=1)
    _, first_rows = np.unique(key_pairs, axis=0, return_index=True)
    first_rows.sort()
    groups = np.concatenate([pairs.groups for pairs in pair_sets])
    return TokenizedPairs(_select_texts(queries, first_rows), _select_texts(passages, first_rows), groups[first_rows])


def _select_texts(texts: TokenizedTexts, rows: NDArray[np.int64]) -> TokenizedTexts:
    """Return the texts in these rows (at least one), in their order, as a copy."""
    token_ids, text_starts = texts.take_rows(rows)
    return TokenizedTexts(token_ids.astype(np.uint16), np.append(text_starts, len(token_ids)), texts.keys[rows])


def _concatenate_texts(text_sets: Sequence[TokenizedTexts]) -> TokenizedTexts:
    """Return the texts of all sets in order."""
    lengths = np.concatenate([np.diff(texts.starts) for texts in text_sets])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenizedTexts(
        np.concatenate([texts.ids for texts in text_sets]), starts, np.concatenate([texts.keys for texts in text_sets])
    )
