"""Group functions that are near-duplicates of each other, those first whose removal would save most.

A group has a model, the function that most others are like, and everything that is a near-duplicate of it. What is like
a member only joins that member's group, so that each function with a near-duplicate is in one group.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codekin.code.fingerprints import MIN_RUNS
from codekin.duplicates.functions import FunctionCopy, FunctionTable
from codekin.duplicates.selection import CLONE_KINSHIPS
from codekin.duplicates.similar_sets import FloatArray, IntArray, SetTable
from codekin.search.clone_classification import NEAR_DUPLICATE_SHARE, TokenProfile, are_near_duplicates, classify
from codekin.types import Kinship

_UNRELATED = len(CLONE_KINSHIPS)  # the level of texts that are no near-duplicates; lower ones are closer


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A function of a group, and how it is like the function that it was found by."""

    function: FunctionCopy
    kinship: Kinship | None  # None for the model
    why: str


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Two or more functions, the model first, the others by file and line."""

    members: tuple[GroupMember, ...]

    @property
    def kinship(self) -> Kinship:
        """Return the loosest kinship in the group."""
        return max((member.kinship for member in self.members if member.kinship), key=CLONE_KINSHIPS.index)

    @property
    def why(self) -> str:
        """Return the reason of the member that is least like the model."""
        kinship = self.kinship
        return next(member.why for member in self.members if member.kinship is kinship)

    @property
    def saved_lines(self) -> int:
        """Return how many lines there would be less if only the longest function were left."""
        return _count_saved_lines([member.function for member in self.members])


def _count_saved_lines(functions: Sequence[FunctionCopy]) -> int:
    """Return the lines of all but the longest function."""
    lengths = [function.line_count for function in functions]
    return sum(lengths) - max(lengths)


class DuplicateGrouper:
    """Groups the functions of one table."""

    def __init__(self, table: FunctionTable, max_kinship: Kinship = Kinship.EDITED) -> None:
        """Only clones up to `max_kinship` are grouped."""
        self._table = table
        self._copies = table.functions_by_text()
        self._max_level = CLONE_KINSHIPS.index(max_kinship)
        self._exact = _number_distinct(table.exact_digests)
        self._structures = _number_distinct(table.structure_digests)
        # Texts of the same runs are one set: of 40,000 texts every tenth has the runs of another one.
        self._run_sets = _number_distinct([runs.tobytes() for runs in table.runs])
        first_texts = np.unique(self._run_sets, return_index=True)[1]
        self._runs = SetTable([table.runs[number] for number in first_texts.tolist()])
        self._words = SetTable(table.words)
        self._texts_of_set = np.split(
            np.argsort(self._run_sets, kind="stable"), np.cumsum(np.bincount(self._run_sets))[:-1]
        )

    def find_groups(self, is_wanted: Callable[[FunctionCopy], bool]) -> Iterator[DuplicateGroup]:
        """Yield the groups that have a wanted function, as soon as none that saves more can follow."""
        neighbours = self._find_neighbours()
        pending: list[tuple[int, tuple[object, ...], DuplicateGroup]] = []
        for bound, texts in self._list_components(neighbours, is_wanted):
            while pending and -pending[0][0] > bound:
                yield heapq.heappop(pending)[2]
            for group in self._group_texts(texts, neighbours):
                if any(is_wanted(member.function) for member in group.members):
                    heapq.heappush(pending, (-group.saved_lines, group.members[0].function.sort_key, group))
        while pending:
            yield heapq.heappop(pending)[2]

    def _find_neighbours(self) -> dict[int, list[int]]:
        """Return the sets of runs whose texts may be near-duplicates, by set; without the set itself."""
        neighbours: dict[int, list[int]] = {}
        for number, others in self._runs.find_similar_pairs(NEAR_DUPLICATE_SHARE, MIN_RUNS):
            for other in others.tolist():
                neighbours.setdefault(number, []).append(other)
                neighbours.setdefault(other, []).append(number)
        return neighbours

    def _list_components(
        self, neighbours: dict[int, list[int]], is_wanted: Callable[[FunctionCopy], bool]
    ) -> list[tuple[int, list[int]]]:
        """Return the connected texts, with the most lines that a group of them could save, most first."""
        components: list[tuple[int, list[int]]] = []
        visited: set[int] = set()
        for start in range(len(self._texts_of_set)):
            if start in visited:
                continue
            visited.add(start)
            run_sets = [start]
            for run_set in run_sets:
                unvisited = [other for other in neighbours.get(run_set, ()) if other not in visited]
                visited.update(unvisited)
                run_sets += unvisited
            texts = [text for run_set in run_sets for text in self._texts_of_set[run_set].tolist()]
            functions = [function for text in texts for function in self._copies[text]]
            if len(functions) > 1 and any(map(is_wanted, functions)):
                components.append((_count_saved_lines(functions), texts))
        return sorted(components, key=lambda component: -component[0])

    def _group_texts(self, texts: list[int], neighbours: dict[int, list[int]]) -> Iterator[DuplicateGroup]:
        """Yield the groups among connected texts."""
        candidates = {text: self._list_candidates(text, neighbours) for text in texts}
        texts.sort(key=lambda text: (-len(candidates[text]), self._copies[text][0].sort_key))
        parents: dict[int, tuple[int, int]] = {}  # text → the model of its group and the text that it was found by
        for text in texts:
            if text in parents:
                continue
            ungrouped = np.array([other for other in candidates[text] if other not in parents], np.int64)
            clones = ungrouped[self._find_levels(text, ungrouped) <= self._max_level].tolist()
            if clones or len(self._copies[text]) > 1:
                parents |= dict.fromkeys((text, *clones), (text, text))
        for text in texts:
            if text not in parents and candidates[text]:
                self._join_nearest(text, candidates[text], parents)
        groups: dict[int, list[tuple[int, int]]] = {}
        for text, (model, parent) in parents.items():
            groups.setdefault(model, []).append((text, parent))
        for model, members in groups.items():
            yield self._make_group(model, members)

    def _list_candidates(self, text: int, neighbours: dict[int, list[int]]) -> list[int]:
        """Return the other texts whose sets of runs are equal or neighbouring."""
        run_set = int(self._run_sets[text])
        run_sets = (run_set, *neighbours.get(run_set, ()))
        return [other for number in run_sets for other in self._texts_of_set[number].tolist() if other != text]

    def _join_nearest(self, text: int, candidates: Sequence[int], parents: dict[int, tuple[int, int]]) -> None:
        """Put a text that is like no model into the group of the member that it is most like, if there is one."""
        others = np.array([other for other in candidates if other in parents], np.int64)
        levels = self._find_levels(text, others)
        if len(others) and levels.min() <= self._max_level:
            nearest = int(others[levels.argmin()])
            parents[text] = parents[nearest][0], nearest

    def _find_levels(self, text: int, others: IntArray) -> IntArray:
        """Return (n,): how texts are like `text`, as positions in CLONE_KINSHIPS; _UNRELATED if they aren't."""
        shares = self._runs.compute_dice(int(self._run_sets[text]), self._run_sets[others])
        kept: FloatArray = self._words.compute_dice(text, others)
        run_sizes = self._runs.sizes[self._run_sets]
        has_same_structure = np.equal(self._structures[others], self._structures[text])
        run_counts = np.minimum(run_sizes[others], run_sizes[text])
        are_clones = are_near_duplicates(shares, kept, run_counts, has_same_structure)
        levels = np.where(are_clones, np.where(has_same_structure, 1, 2), _UNRELATED)
        return np.asarray(np.where(self._exact[others] == self._exact[text], 0, levels), np.int64)

    def _make_group(self, model: int, texts: Sequence[tuple[int, int]]) -> DuplicateGroup:
        """Return the group of `texts`, given with the texts that they were found by."""
        model_function = min(self._copies[model], key=lambda function: function.sort_key)
        profiles: dict[int, TokenProfile] = {}
        members: list[GroupMember] = []
        for text, parent in texts:
            for number in (text, parent):
                function = self._copies[number][0]
                if number not in profiles:
                    profiles[number] = TokenProfile(self._table.texts[number], function.language, function.name)
            evidence = classify(profiles[parent], profiles[text])
            assert evidence is not None  # noqa: S101 (the texts were found by the same thresholds)
            members += [
                GroupMember(function, evidence.kinship, evidence.why)
                for function in self._copies[text]
                if function is not model_function
            ]
        members.sort(key=lambda member: member.function.sort_key)
        return DuplicateGroup((GroupMember(model_function, None, ""), *members))


def _number_distinct(keys: Sequence[bytes]) -> IntArray:
    """Return (n,): equal numbers for equal keys, from 0, in the order in which the keys first come."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
