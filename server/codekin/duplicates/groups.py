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
        """Return the loosest kinship of any member to the function that it was found by."""
        return max((member.kinship for member in self.members if member.kinship), key=CLONE_KINSHIPS.index)

    @property
    def why(self) -> str:
        """Return in words why a member of the loosest kinship counts as a duplicate."""
        kinship = self.kinship
        return next(member.why for member in self.members if member.kinship is kinship)

    @property
    def saved_lines(self) -> int:
        """Return how many lines there would be less if only the longest function were left."""
        return _count_saved_lines([member.function for member in self.members])


def _count_saved_lines(functions: Sequence[FunctionCopy]) -> int:
    """Return the lines of all but the longest function."""
    line_counts = [function.line_count for function in functions]
    return sum(line_counts) - max(line_counts)


class DuplicateGrouper:
    """Groups the functions of one table."""

    def __init__(self, function_table: FunctionTable, max_kinship: Kinship = Kinship.EDITED) -> None:
        """Only clones up to `max_kinship` are grouped."""
        self._table = function_table
        self._copies = function_table.functions_by_text()
        self._max_level = CLONE_KINSHIPS.index(max_kinship)
        self._exact = _number_distinct(function_table.exact_digests)
        self._structures = _number_distinct(function_table.structure_digests)
        # Texts of the same runs are one set: of 40,000 texts every tenth has the runs of another one.
        self._run_sets = _number_distinct([runs.tobytes() for runs in function_table.runs])
        first_texts = np.unique(self._run_sets, return_index=True)[1]
        self._runs = SetTable([function_table.runs[text_number] for text_number in first_texts.tolist()])
        self._words = SetTable(function_table.words)
        self._texts_of_set = np.split(
            np.argsort(self._run_sets, kind="stable"), np.cumsum(np.bincount(self._run_sets))[:-1]
        )

    def find_groups(self, is_wanted: Callable[[FunctionCopy], bool]) -> Iterator[DuplicateGroup]:
        """Yield the groups that have a wanted function, those first whose removal would save most lines."""
        neighbours = self._find_neighbours()
        pending: list[tuple[int, tuple[object, ...], DuplicateGroup]] = []
        for max_saved_lines, text_numbers in self._list_components(neighbours, is_wanted):
            while pending and -pending[0][0] > max_saved_lines:
                yield heapq.heappop(pending)[2]
            for group in self._group_texts(text_numbers, neighbours):
                if any(is_wanted(member.function) for member in group.members):
                    heapq.heappush(pending, (-group.saved_lines, group.members[0].function.sort_key, group))
        while pending:
            yield heapq.heappop(pending)[2]

    def _find_neighbours(self) -> dict[int, list[int]]:
        """Return set of token runs → other sets that overlap it enough for their texts to be near-duplicates."""
        neighbours: dict[int, list[int]] = {}
        for run_set, other_sets in self._runs.find_similar_pairs(NEAR_DUPLICATE_SHARE, MIN_RUNS):
            for other_set in other_sets.tolist():
                neighbours.setdefault(run_set, []).append(other_set)
                neighbours.setdefault(other_set, []).append(run_set)
        return neighbours

    def _list_components(
        self, neighbours: dict[int, list[int]], is_wanted: Callable[[FunctionCopy], bool]
    ) -> list[tuple[int, list[int]]]:
        """Return (most lines to be saved, texts) of each set of connected texts with a wanted function, most first."""
        components: list[tuple[int, list[int]]] = []
        visited: set[int] = set()
        for first_set in range(len(self._texts_of_set)):
            if first_set in visited:
                continue
            visited.add(first_set)
            run_sets = [first_set]
            for run_set in run_sets:
                unvisited = [other_set for other_set in neighbours.get(run_set, ()) if other_set not in visited]
                visited.update(unvisited)
                run_sets += unvisited
            text_numbers = [text_number for run_set in run_sets for text_number in self._texts_of_set[run_set].tolist()]
            functions = [function for text_number in text_numbers for function in self._copies[text_number]]
            if len(functions) > 1 and any(map(is_wanted, functions)):
                components.append((_count_saved_lines(functions), text_numbers))
        return sorted(components, key=lambda component: -component[0])

    def _group_texts(self, text_numbers: list[int], neighbours: dict[int, list[int]]) -> Iterator[DuplicateGroup]:
        """Yield the groups among connected texts; sorts `text_numbers` in place."""
        candidates = {text_number: self._list_candidates(text_number, neighbours) for text_number in text_numbers}
        text_numbers.sort(
            key=lambda text_number: (-len(candidates[text_number]), self._copies[text_number][0].sort_key)
        )
        parents: dict[int, tuple[int, int]] = {}  # text → the model of its group and the text that it was found by
        for text_number in text_numbers:
            if text_number in parents:
                continue
            ungrouped = np.array(
                [other_text for other_text in candidates[text_number] if other_text not in parents], np.int64
            )
            clones = ungrouped[self._find_levels(text_number, ungrouped) <= self._max_level].tolist()
            if clones or len(self._copies[text_number]) > 1:
                parents |= dict.fromkeys((text_number, *clones), (text_number, text_number))
        for text_number in text_numbers:
            if text_number not in parents and candidates[text_number]:
                self._join_nearest(text_number, candidates[text_number], parents)
        texts_by_model: dict[int, list[tuple[int, int]]] = {}
        for text_number, (model_text, parent_text) in parents.items():
            texts_by_model.setdefault(model_text, []).append((text_number, parent_text))
        for model_text, member_texts in texts_by_model.items():
            yield self._make_group(model_text, member_texts)

    def _list_candidates(self, text_number: int, neighbours: dict[int, list[int]]) -> list[int]:
        """Return the other texts whose sets of runs are equal or neighbouring."""
        run_set = int(self._run_sets[text_number])
        run_sets = (run_set, *neighbours.get(run_set, ()))
        return [
            other_text
            for candidate_set in run_sets
            for other_text in self._texts_of_set[candidate_set].tolist()
            if other_text != text_number
        ]

    def _join_nearest(self, text_number: int, candidates: Sequence[int], parents: dict[int, tuple[int, int]]) -> None:
        """Add a text that is no model's clone, in `parents`, to the group of its nearest clone, if it has one."""
        grouped_texts = np.array([other_text for other_text in candidates if other_text in parents], np.int64)
        kinship_levels = self._find_levels(text_number, grouped_texts)
        if len(grouped_texts) and kinship_levels.min() <= self._max_level:
            nearest_text = int(grouped_texts[kinship_levels.argmin()])
            parents[text_number] = parents[nearest_text][0], nearest_text

    def _find_levels(self, text_number: int, other_texts: IntArray) -> IntArray:
        """Return (n,): how texts are like `text_number`, as positions in CLONE_KINSHIPS; _UNRELATED if they aren't."""
        run_shares = self._runs.compute_dice(int(self._run_sets[text_number]), self._run_sets[other_texts])
        word_shares: FloatArray = self._words.compute_dice(text_number, other_texts)
        run_sizes = self._runs.sizes[self._run_sets]
        has_same_structure = np.equal(self._structures[other_texts], self._structures[text_number])
        run_counts = np.minimum(run_sizes[other_texts], run_sizes[text_number])
        are_clones = are_near_duplicates(run_shares, word_shares, run_counts, has_same_structure)
        kinship_levels = np.where(are_clones, np.where(has_same_structure, 1, 2), _UNRELATED)
        return np.asarray(np.where(self._exact[other_texts] == self._exact[text_number], 0, kinship_levels), np.int64)

    def _make_group(self, model_text: int, texts_with_parents: Sequence[tuple[int, int]]) -> DuplicateGroup:
        """Return the group of these texts' functions, the model's first; each text is classified against its parent."""
        model_function = min(self._copies[model_text], key=lambda function: function.sort_key)
        profiles: dict[int, TokenProfile] = {}
        group_members: list[GroupMember] = []
        for text_number, parent_text in texts_with_parents:
            for profiled_text in (text_number, parent_text):
                function = self._copies[profiled_text][0]
                if profiled_text not in profiles:
                    profiles[profiled_text] = TokenProfile(
                        self._table.texts[profiled_text], function.language, function.name
                    )
            evidence = classify(profiles[parent_text], profiles[text_number])
            assert evidence is not None  # noqa: S101 (the texts were found by the same thresholds)
            group_members += [
                GroupMember(function, evidence.kinship, evidence.why)
                for function in self._copies[text_number]
                if function is not model_function
            ]
        group_members.sort(key=lambda member: member.function.sort_key)
        return DuplicateGroup((GroupMember(model_function, None, ""), *group_members))


def _number_distinct(keys: Sequence[bytes]) -> IntArray:
    """Return (n,): equal numbers for equal keys, from 0, in the order in which the keys first come."""
    numbers_by_key: dict[bytes, int] = {}
    return np.array([numbers_by_key.setdefault(key, len(numbers_by_key)) for key in keys], np.int64)
