"""Cut documents at the places where people stop and wait while they type, the same number of each kind."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codekin.code.line_hashes import make_line_hasher
from codekin.code.lines import is_closing, split_lines
from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.line_tokens import (
    LINE_END,
    MEMBER_MARKS,
    NAME,
    LineTokens,
    Positions,
    TokenVocabulary,
    read_line_tokens,
)
from codekin.evaluation.line_cuts import HIDDEN_TOKENS
from codekin.workspace.workspace import Document

IN_NAME, AFTER_COMMENT, IN_BODY, AFTER_SIGNATURE = "in a name", "after a comment", "in a body", "after a signature"
_KINDS_BY_TOKEN = {"(": "after (", "=": "after =", ",": "after ,", "return": "after return"} | dict.fromkeys(
    MEMBER_MARKS, "after ."
)
KINDS = (*dict.fromkeys(_KINDS_BY_TOKEN.values()), IN_NAME, IN_BODY, AFTER_SIGNATURE, AFTER_COMMENT)
_MIN_TOKENS = 200  # of a document that is cut
_MIN_MARGIN = 30  # tokens between the cut and either end of its document
_MIN_NAME = 4  # characters of a name that is cut
_TRIES_PER_CUT = 100


@dataclass(frozen=True, slots=True)
class KindCut:
    """A document without the tokens behind the cursor, and the text that stood there."""

    kind: str
    cursor: Cursor
    truth: tuple[str, ...]  # the rest of the cursor's line, and the lines below that are hidden


def choose_kind_cuts(documents: Sequence[Document], count: int, seed: int) -> Iterator[KindCut]:
    """Yield at most `count` cuts of each kind, the kinds mixed at random; deterministic by seed."""
    chance, vocabulary = random.Random(seed), TokenVocabulary()  # noqa: S311
    tokens_of = [read_line_tokens(document.text, document.language, vocabulary) for document in documents]
    readers = [
        _DocumentCutter(document, tokens, vocabulary)
        for document, tokens in zip(documents, tokens_of, strict=True)
        if tokens and len(tokens.symbols) > _MIN_TOKENS
    ]
    kind_counts: Counter[str] = Counter()
    for _ in range(count * len(KINDS) * _TRIES_PER_CUT if readers else 0):
        if kind_counts.total() == count * len(KINDS):
            break
        cutter = chance.choice(readers)
        position = chance.randrange(_MIN_MARGIN, len(cutter.numbers) - _MIN_MARGIN)
        kind = cutter.find_kind(position, is_in_name=kind_counts[IN_NAME] < count and chance.random() < 1 / len(KINDS))
        if kind is None:
            continue
        possible_kinds = (IN_BODY, AFTER_SIGNATURE) if kind == IN_BODY else (kind,)
        if any(kind_counts[possible_kind] < count for possible_kind in possible_kinds):
            cut = cutter.cut(position, kind, chance)
            if kind_counts[cut.kind] < count:
                kind_counts[cut.kind] += 1
                yield cut


class _DocumentCutter:
    """Cuts one document at its tokens."""

    def __init__(self, document: Document, tokens: LineTokens, vocabulary: TokenVocabulary) -> None:
        self._document = document
        self._lines = split_lines(document.text)
        self._tokens = tokens
        self._vocabulary = vocabulary
        self.numbers: Positions = tokens.symbols >> 1

    def find_kind(self, position: int, *, is_in_name: bool) -> str | None:
        """Return the kind of the place before the token at `position`, or within it; None for a place of no kind."""
        token, previous_token = int(self.numbers[position]), int(self.numbers[position - 1])
        if token == LINE_END:
            return None
        if is_in_name:
            is_long = len(self._vocabulary.texts[token]) >= _MIN_NAME
            return IN_NAME if is_long and self._vocabulary.kinds[token] == NAME else None
        if previous_token != LINE_END:
            return _KINDS_BY_TOKEN.get(self._vocabulary.texts[previous_token])
        row = int(self._tokens.rows[position])
        if is_closing(self._lines[row]) or not self._lines[row][:1].isspace():
            return None
        return AFTER_COMMENT if self._is_comment(self._lines[row - 1]) else IN_BODY

    def _is_comment(self, line: str) -> bool:
        """Return whether the line has text but no code."""
        return len(line.strip()) > 1 and not make_line_hasher(self._document.language)[line]

    def cut(self, position: int, kind: str, chance: random.Random) -> KindCut:
        """Return the document cut before a token, or within a name, the next 120 tokens hidden.

        The first line of a body is a kind of its own.
        """
        text, offset = self._document.text, int(self._tokens.offsets[position])
        if kind == IN_NAME:
            offset += chance.randrange(1, len(self._vocabulary.texts[int(self.numbers[position])]))
        hidden_end = int(self._tokens.offsets[min(position + HIDDEN_TOKENS, len(self.numbers) - 1)])
        head, column = text[:offset], offset - (text.rfind("\n", 0, offset) + 1)
        row = head.count("\n")
        cursor = Cursor(self._document.path, f"{head}\n{text[hidden_end:]}", self._document.language, row, column)
        if kind == IN_BODY and read_context(cursor).is_signature_only:
            kind = AFTER_SIGNATURE
        return KindCut(kind, cursor, tuple(split_lines(text[offset:hidden_end])))
