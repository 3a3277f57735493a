"""What speaks for a clue, in numbers, and what its line is called here."""

import math
from collections.abc import Sequence
from itertools import chain

from codekin.code.line_hashes import find_calls, find_local_names, find_names, make_line_hasher, rename_locals
from codekin.code.lines import is_closing
from codekin.completion.candidates import LineCandidate, measure_rarity
from codekin.completion.context import (
    CompletionContext,
    find_block_header,
    find_open_bracket,
    jaccard,
    measure_indent,
    parse_parameters,
    split_word_set,
)
from codekin.index.index import Index

FEATURES = (
    "rarity", "root_rarity", "depth", "aligned", "called", "here", "folder", "stands", "steps", "words", "meaning",
    "name", "begins", "same_line", "alike", "unresolved", "already", "frequency", "bracket", "header", "header_words",
    "in_list", "near", "kind", "known", "length", "closing",
    "called_here", "alike_here", "begins_here", "header_aligned",
)  # fmt: skip


class FeatureExtractor:
    """Gives clues of one question their adapted lines and their features."""

    def __init__(self, asked: CompletionContext, index: Index) -> None:
        self._asked = asked
        self._rarity = measure_rarity(asked, index)
        self._total = sum(self._rarity.values()) or 1.0
        self._index = index
        self._key = make_line_hasher(asked.language)
        self._frequencies: dict[int, float] = {}
        last = asked.content_lines[-1]
        self._last, self._last_words, self._called = "".join(last.split()), split_word_set(last), find_calls(last)
        self._step = asked.indent_column - measure_indent(last) if asked.indent_column is not None else None
        self._header_key = self._key[asked.block_header] if asked.block_header else 0
        self._header_words, self._name = split_word_set(asked.block_header), split_word_set(asked.name)
        self._known: dict[str, bool] = {}

    def __call__(self, clue: LineCandidate) -> None:
        asked, source, key = self._asked, clue.source, self._key
        above, raw = source.lines[: clue.at], source.lines[clue.at]
        said = [line for line in above if key[line]]
        previous = said[-1] if said else ""
        clue.names = map_names(asked, clue, said)
        clue.line = rename_locals(raw.strip(), clue.names)
        mentioned, locals_ = set(chain.from_iterable(map(find_local_names, said))), find_local_names(clue.line)
        own = set(clue.names.values())
        clue.unresolved = any(
            name in mentioned and name not in asked.local_names and name not in own for name in locals_
        )
        called = bool(self._called) and find_calls(previous) == self._called
        here, aligned = source.path == asked.path, clue.depth > 0
        alike = jaccard(self._last_words, split_word_set(previous))
        column = measure_indent(raw)
        above_header = find_block_header(above, column)
        same_header = (key[above_header] if above_header else 0) == self._header_key
        bracket = find_open_bracket(above)
        steps = sum(self._rarity[k] for k in {key[line] for line in said} & self._rarity.keys())
        begins = (
            asked.is_signature_only
            and source.head >= 0
            and not any(key[line] for line in source.lines[source.head + 1 : clue.at])
        )
        names = [name for name in find_names(clue.line) if name not in locals_]
        stands = self._step is None or abs(column - measure_indent(previous) - self._step) <= 1
        clue.features = tuple(
            map(
                float,
                (
                    min(clue.weight, 30) / 10,
                    math.sqrt(min(clue.weight, 60)) / 3 if clue.weight > 0 else 0,
                    min(clue.depth, 4),
                    aligned,
                    called,
                    here,
                    source.path.parent == asked.path.parent,
                    stands,
                    steps / self._total,
                    jaccard(asked.word_set, frozenset().union(*map(split_word_set, said))),
                    clue.meaning,
                    jaccard(self._name, split_word_set(source.name)),
                    begins,
                    "".join(previous.split()) == self._last,
                    alike,
                    clue.unresolved,
                    "".join(clue.line.split()) in asked.stripped_lines,
                    self._frequency(key[raw]),
                    bracket == asked.open_bracket,
                    same_header,
                    jaccard(self._header_words, split_word_set(above_header)),
                    bracket in ("(", "["),
                    1 / (1 + source.distance) if here else 0,
                    source.kind == asked.kind,
                    all(map(self._is_known, names)),
                    min(len(clue.line), 60) / 60,
                    is_closing(raw),
                    called and here,
                    alike * here,
                    begins and here,
                    same_header and aligned,
                ),
            )
        )

    def _is_known(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = name in self._asked.other_lines
        return self._known[name]

    def _frequency(self, key: int) -> float:
        if key not in self._frequencies:
            self._frequencies[key] = math.log(1 + self._index.line_index.frequency(key))
        return self._frequencies[key]


def map_names(asked: CompletionContext, clue: LineCandidate, said: Sequence[str]) -> dict[str, str]:
    """What the source's local names are called at the cursor: from the lines that are the same step, then from the
    parameters; a name that would have two meanings keeps its own.
    """
    names: dict[str, str] = {}
    doubtful: set[str] = set()
    pairs = list(zip(reversed(said), reversed(asked.content_lines), strict=False))
    for theirs, ours in pairs[: max(clue.depth, 1)]:
        one, other = find_local_names(theirs), find_local_names(ours)
        if len(one) == len(other) and (clue.depth or find_calls(theirs) == find_calls(ours) != ()):
            for a, b in zip(one, other, strict=True):
                if names.setdefault(a, b) != b:
                    doubtful.add(a)
    head = clue.source.head
    if head >= 0:
        theirs_first = parse_parameters(clue.source.lines[head : head + 3])
        if len(theirs_first) == len(asked.parameters):
            for a, b in zip(theirs_first, asked.parameters, strict=True):
                if a not in asked.local_names:
                    names.setdefault(a, b)
    # Two names must not become one.
    taken = list(names.values())
    return {a: b for a, b in names.items() if a != b and a not in doubtful and taken.count(b) == 1}
