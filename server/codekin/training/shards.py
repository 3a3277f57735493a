"""Pairs as numbers: the vocabulary is learned from their texts, and the token ids are kept in flat arrays."""

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

SPOKEN_QUERIES = {"doc", "asked", "name", "comment", "example", "section"}  # kinds whose queries are sentences


def read_pairs(path: Path) -> Iterator[TextPair]:
    """The pairs of gzipped JSON lines, each `[kind, query, passage, language]`."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield TextPair(*json.loads(line))


def learn_vocabulary(texts: Iterable[str], size: int) -> str:
    """A lower-cased BPE over the texts' identifier-split words, as the text of a `tokenizer.json`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=3, limit_alphabet=200, show_progress=False)
    split = (
        " ".join(part for word in dict.fromkeys(split_tokens(text)) for part in split_identifier(word))
        for text in texts
    )
    tokenizer.train_from_iterator(map(replace_surrogates, split), trainer)
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
        """The flat ids of some texts, and where each begins."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        begins = ends - lengths
        flat = np.arange(ends[-1]) + np.repeat(self.starts[rows] - begins, lengths)
        return self.ids[flat].astype(np.int64), begins


@dataclass(frozen=True, slots=True)
class TokenizedPairs:
    """The tokenised pairs of one kind."""

    queries: TokenizedTexts
    passages: TokenizedTexts
    groups: NDArray[np.int64]  # (n,): equal for pairs of one package and language

    def __len__(self) -> int:
        return len(self.queries)


def flatten_texts(lists: Sequence[Sequence[int]]) -> TokenizedTexts:
    """Texts of the given token ids; a vocabulary has at most 65,536 rows."""
    arrays = [np.array(ids, dtype=np.uint16) for ids in lists]
    starts = np.zeros(len(arrays) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in arrays], out=starts[1:])
    keys = np.array([crc32(np.sort(ids).tobytes()) for ids in arrays], dtype=np.int64)
    return TokenizedTexts(np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.uint16), starts, keys)


def tokenize_pairs(
    path: Path, tokenizer: Path, phrases: int, leaks: BenchmarkTexts, shares: Mapping[str, float]
) -> dict[str, TokenizedPairs]:
    """The pairs of one package by kind, of each kind its share, without leaks and texts of fewer than two tokens."""
    vocabulary = Vocabulary(tokenizer, phrases)
    random = Random(crc32(path.name.encode()))  # noqa: S311 -- sampling, not secrets
    by_kind: dict[str, list[TextPair]] = {}
    for pair in read_pairs(path):
        if random.random() < shares.get(pair.kind, 1.0) and not leaks.contains(pair):
            by_kind.setdefault(pair.kind, []).append(pair)
    return {kind: _numbered(kind, pairs, vocabulary, path.name) for kind, pairs in by_kind.items()}


def _numbered(kind: str, pairs: Sequence[TextPair], vocabulary: Vocabulary, package: str) -> TokenizedPairs:
    spoken = kind in SPOKEN_QUERIES
    queries = [
        vocabulary.token_ids(pair.query, spoken) + ([] if spoken else vocabulary.language_marks(pair.query))
        for pair in pairs
    ]
    passages = [vocabulary.token_ids(pair.passage) + vocabulary.language_marks(pair.passage) for pair in pairs]
    kept = [row for row in range(len(pairs)) if len(queries[row]) > 1 and len(passages[row]) > 1]
    return TokenizedPairs(
        flatten_texts([queries[row] for row in kept]),
        flatten_texts([passages[row] for row in kept]),
        np.array([crc32(f"{package} {pairs[row].language}".encode()) for row in kept], dtype=np.int64),
    )


def concatenate_pairs(several: Sequence[TokenizedPairs]) -> TokenizedPairs:
    """All pairs of one kind in one, those of equal texts on both sides once."""
    queries, passages = (_joined([getattr(pairs, side) for pairs in several]) for side in ("queries", "passages"))
    both = np.stack([queries.keys, passages.keys], axis=1)
    _, first = np.unique(both, axis=0, return_index=True)
    first.sort()
    groups = np.concatenate([pairs.groups for pairs in several])
    return TokenizedPairs(_chosen(queries, first), _chosen(passages, first), groups[first])


def _chosen(texts: TokenizedTexts, rows: NDArray[np.int64]) -> TokenizedTexts:
    ids, begins = texts.take_rows(rows)
    return TokenizedTexts(ids.astype(np.uint16), np.append(begins, len(ids)), texts.keys[rows])


def _joined(several: Sequence[TokenizedTexts]) -> TokenizedTexts:
    lengths = np.concatenate([np.diff(texts.starts) for texts in several])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenizedTexts(np.concatenate([t.ids for t in several]), starts, np.concatenate([t.keys for t in several]))
