"""The map of a workspace: each function a point near similar ones, near-duplicates linked, folders coloured."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.index.index import Index
from codekin.map.groups import FolderGroup, choose_groups
from codekin.map.layout import layout_points
from codekin.map.neighbours import FloatArray, IndexArray
from codekin.types import Cancel, OnProgress, Progress

MAX_FUNCTIONS = 100_000  # of more, an even sample is drawn
_MAX_LINKS = 50_000
_NEAR_DUPLICATE_JACCARD = 0.7  # estimated share of structure that two functions have in common
_COPY_DISTANCE = 0.0006  # between functions with the same text, in widths of the map
_GOLDEN_ANGLE = np.float32(np.pi * (3 - 5**0.5))  # between seeds of a sunflower, in radians
# Shares of the work, by processor time for the 68,622 functions of apache/kafka, after a step
_LISTED, _LOADED = 0.2, 0.4
_PROGRESS_TOTAL = 100
_CANCEL_POLL_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class CodeMap:
    """The functions drawn on a plane, ordered by path and line: parallel arrays of length n."""

    generation: int  # of the index that it was built from
    total: int  # functions in the workspace; some are not drawn if there are too many or they have no vector yet
    x: FloatArray  # (n,), 0 … 1
    y: FloatArray  # (n,), 0 … 1, downwards
    group: npt.NDArray[np.uint8]  # (n,), index into `groups`
    file: npt.NDArray[np.uint32]  # (n,), index into `files`
    line: npt.NDArray[np.uint32]  # (n,), 0-based line of the function's name
    names: tuple[str, ...]  # (n,), qualified
    files: tuple[Path, ...]
    groups: tuple[FolderGroup, ...]  # largest first, "others" last
    links: npt.NDArray[np.uint32]  # (m, 2) pairs of near-duplicates; a set of several is linked as a chain


class MapBuilder:
    """Builds the map of an index, and keeps the latest one for its generation and limit. Thread-safe."""

    def __init__(self, index: Index, list_roots: Callable[[], Sequence[Path]]) -> None:
        """Keep the index; `list_roots` is called for each map, because the roots change. Builds nothing."""
        self._index = index
        self._list_roots = list_roots
        self._build_lock = threading.Lock()
        self._latest: tuple[int, CodeMap] | None = None  # with the limit that it was built for

    def build(self, limit: int, on_progress: OnProgress, cancel_event: Cancel) -> CodeMap | None:
        """Return the map of up to `limit` functions; the kept one if index and limit are the same; None when cancelled.

        Takes some seconds the first time, and waits while another thread builds. Progress counts hundredths.
        """
        while not self._build_lock.acquire(timeout=_CANCEL_POLL_S):  # another thread builds the same map
            if cancel_event.is_set():
                return None
        try:
            self._index.follow()
            generation = self._index.store.generation()
            if self._latest is None or (self._latest[0], self._latest[1].generation) != (limit, generation):
                code_map = self._build(generation, limit, _to_hundredths(on_progress), cancel_event)
                if cancel_event.is_set():
                    return None
                self._latest = limit, code_map
            return self._latest[1]
        finally:
            self._build_lock.release()

    def _build(self, generation: int, limit: int, on_share: Callable[[float], None], cancel_event: Cancel) -> CodeMap:
        """Build the map of an even sample of up to `limit` functions, without those that have no vector."""
        functions = self._index.store.list_functions()
        total = len(functions)
        if total > limit:
            functions = [functions[position] for position in np.linspace(0, total - 1, limit).astype(np.int64).tolist()]
        on_share(_LISTED)
        function_contents = np.array([function.content for function in functions], np.int64)
        contents, vectors, row_of_function = self._load_vectors(function_contents)
        on_share(_LOADED)
        positions, neighbours = layout_points(vectors, lambda share: on_share(_scale_rest(share)), cancel_event)

        has_position = np.flatnonzero(row_of_function >= 0)
        vector_rows = row_of_function[has_position]
        functions = [functions[position] for position in has_position.tolist()]
        x_positions, y_positions = _separate_copies(positions, vector_rows)
        files, file_numbers = _number_files([function.path for function in functions])
        groups, group_numbers = _assign_groups(files, file_numbers, self._list_roots())
        return CodeMap(
            generation=generation,
            total=total,
            x=x_positions,
            y=y_positions,
            group=group_numbers,
            file=file_numbers,
            line=np.array([function.name_line for function in functions], np.uint32),
            names=tuple(function.qualified_name for function in functions),
            files=tuple(map(Path, files)),
            groups=tuple(groups),
            links=self._link_near_duplicates(vector_rows, neighbours, contents),
        )

    def _load_vectors(self, function_contents: IndexArray) -> tuple[IndexArray, FloatArray, IndexArray]:
        """Return contents that have a vector (c,), the vectors (c, d), and each function's row in them (n,), or -1.

        They are ordered by the first function, by path, that has them, not by content number: the map must not depend
        on the order of indexing.
        """
        distinct, first_functions, distinct_of = np.unique(function_contents, return_index=True, return_inverse=True)
        has_vector, vectors = self._index.light.dense.find_vectors(distinct)
        vector_order = np.argsort(first_functions[has_vector], kind="stable")
        row_of_distinct = np.full(len(distinct), -1, np.int64)
        row_of_distinct[np.flatnonzero(has_vector)[vector_order]] = np.arange(len(vector_order))
        return distinct[has_vector][vector_order], vectors[vector_order], row_of_distinct[distinct_of]

    def _link_near_duplicates(
        self, vector_rows: IndexArray, neighbours: IndexArray, contents: IndexArray
    ) -> npt.NDArray[np.uint32]:
        """Return ≤ 50,000 pairs (m, 2) of function indices: equal texts as chains, and similar `neighbours`."""
        row_order = np.argsort(vector_rows, kind="stable").astype(np.uint32)
        same_text = vector_rows[row_order][1:] == vector_rows[row_order][:-1]
        copy_links = np.stack([row_order[:-1][same_text], row_order[1:][same_text]], axis=1)
        first_functions = (
            row_order[np.searchsorted(vector_rows[row_order], np.arange(len(contents)))] if len(contents) else row_order
        )
        left_rows, right_rows = self._index.fingerprints.find_similar_pairs(
            contents, neighbours, _NEAR_DUPLICATE_JACCARD
        )
        return np.concatenate(
            [copy_links, np.stack([first_functions[left_rows], first_functions[right_rows]], axis=1)]
        )[:_MAX_LINKS]


def _scale_rest(layout_share: float) -> float:
    """Return the share of all work for a share of the layout, which comes after loading."""
    return _LOADED + (1 - _LOADED) * layout_share


def _number_files(paths: Sequence[str]) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """Return the distinct paths in order, and each path's index among them (n,)."""
    files = list(dict.fromkeys(paths))
    file_index = {file_path: file_number for file_number, file_path in enumerate(files)}
    return files, np.array([file_index[path] for path in paths], np.uint32)


def _separate_copies(positions: FloatArray, vector_rows: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Return x and y of each function (n,), in 0 … 1; functions of the same text lie in a spiral around one place."""
    row_order = np.argsort(vector_rows, kind="stable")
    copy_counts = np.bincount(vector_rows, minlength=len(positions))
    copy_number = np.empty(len(vector_rows), np.float32)
    copy_number[row_order] = np.arange(len(vector_rows)) - np.repeat(np.cumsum(copy_counts) - copy_counts, copy_counts)
    radius, angle = np.float32(_COPY_DISTANCE) * np.sqrt(copy_number), _GOLDEN_ANGLE * copy_number
    x_positions, y_positions = (
        positions[vector_rows, 0] + radius * np.cos(angle),
        positions[vector_rows, 1] + radius * np.sin(angle),
    )
    return np.clip(x_positions, 0, 1), np.clip(y_positions, 0, 1)


def _assign_groups(
    files: Sequence[str], file_numbers: npt.NDArray[np.uint32], workspace_roots: Sequence[Path]
) -> tuple[list[FolderGroup], npt.NDArray[np.uint8]]:
    """Return the groups of folders, "others" last, and the index of each function's group (n,), by its file."""
    folder_sizes: Counter[tuple[str, ...]] = Counter()
    file_sizes = np.bincount(file_numbers, minlength=len(files)).tolist()
    folders = [_split_folder(Path(file_path), workspace_roots) for file_path in files]
    for folder, function_count in zip(folders, file_sizes, strict=True):
        folder_sizes[folder] += function_count
    groups, group_of_folder = choose_groups(list(folder_sizes), list(folder_sizes.values()))
    group_by_folder = dict(zip(folder_sizes, group_of_folder, strict=True))
    group_of_file = np.array([group_by_folder[folder] for folder in folders], np.uint8)
    return groups, group_of_file[file_numbers] if len(file_numbers) else np.empty(0, np.uint8)


def _split_folder(source_path: Path, workspace_roots: Sequence[Path]) -> tuple[str, ...]:
    """Return the file's folder below its root as parts, after the root's name if several; whole if in no root."""
    root = next((root for root in workspace_roots if source_path.is_relative_to(root)), None)
    if root is None:
        return source_path.parent.parts
    folder_parts = source_path.relative_to(root).parent.parts
    return folder_parts if len(workspace_roots) == 1 else (root.name, *folder_parts)


def _to_hundredths(on_progress: OnProgress) -> Callable[[float], None]:
    """Return a function that takes shares of 1, and reports to `on_progress` only when the whole hundredth changes."""
    reported = -1

    def on_share(share: float) -> None:
        """Report the share as progress if its whole hundredth has changed."""
        nonlocal reported
        if int(share * _PROGRESS_TOTAL) != reported:
            reported = int(share * _PROGRESS_TOTAL)
            on_progress(Progress(reported, _PROGRESS_TOTAL, None))

    return on_share
