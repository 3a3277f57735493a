"""The map of a workspace: every function a point, near what is like it; near-duplicates joined, folders told apart."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.atlas.groups import Group, groups
from codekin.atlas.layout import layout
from codekin.atlas.neighbours import Floats, Numbers
from codekin.index.index import Index
from codekin.types import Cancel, OnProgress, Progress

MOST = 100_000  # functions; of more, an even sample is drawn
_LINKS = 50_000
_TWIN = 0.7  # the share of the structure (Jaccard, estimated) that makes neighbours near-duplicates
_APART = 0.0006  # how far equal functions stand from each other
_GOLDEN = np.float32(np.pi * (3 - 5**0.5))  # the angle between seeds of a sunflower
_PARTS = 100  # of the progress
_PATIENCE_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Functions, by path and line."""

    generation: int  # of the index that it is drawn from
    total: int  # functions in the workspace; more than are drawn where they are too many, or have no vector yet
    x: Floats  # (n,), 0 … 1
    y: Floats  # (n,), 0 … 1, downwards
    group: npt.NDArray[np.uint8]  # (n,), into `groups`
    file: npt.NDArray[np.uint32]  # (n,), into `files`
    line: npt.NDArray[np.uint32]  # (n,), 0-based: where the name stands
    names: tuple[str, ...]  # (n,), qualified
    files: tuple[Path, ...]
    groups: tuple[Group, ...]  # largest first, "others" last
    links: npt.NDArray[np.uint32]  # (m, 2): near-duplicates; of several that are alike, each with the next


class Cartographer:
    """Draws the map of an index, once for each of its generations. May be asked from any thread."""

    def __init__(self, index: Index, roots: Callable[[], Sequence[Path]]) -> None:
        self._index = index
        self._roots = roots
        self._drawing = threading.Lock()
        self._last: tuple[int, Atlas] | None = None  # asked for at most so many

    def draw(self, most: int, on_progress: OnProgress, cancel: Cancel) -> Atlas | None:
        """The map of at most `most` functions; None when cancelled. Takes some seconds the first time.

        Progress counts hundredths.
        """
        while not self._drawing.acquire(timeout=_PATIENCE_S):  # another draws the same
            if cancel.is_set():
                return None
        try:
            self._index.follow()
            generation = self._index.store.generation()
            if self._last is None or (self._last[0], self._last[1].generation) != (most, generation):
                drawn = _drawn(self._index, self._roots(), generation, most, _hundredths(on_progress), cancel)
                if cancel.is_set():
                    return None
                self._last = most, drawn
            return self._last[1]
        finally:
            self._drawing.release()


def _drawn(
    index: Index,
    roots: Sequence[Path],
    generation: int,
    most: int,
    on_share: Callable[[float], None],
    cancel: Cancel,
) -> Atlas:
    standing = index.store.standing()
    total = len(standing)
    if total > most:
        standing = [standing[i] for i in np.linspace(0, total - 1, most).astype(np.int64).tolist()]
    contents = np.array([each.content for each in standing], np.int64)
    distinct, first, of = np.unique(contents, return_index=True, return_inverse=True)
    has, vectors = index.light.dense.vectors(distinct)
    # Laid out in the order of paths, not of numbers, which tell when something was indexed.
    order = np.argsort(first[has], kind="stable")
    places, near = layout(vectors[order], on_share, cancel)
    row = np.full(len(distinct), -1, np.int64)
    row[np.flatnonzero(has)[order]] = np.arange(len(order))
    drawn = np.flatnonzero(row[of] >= 0)
    rows = row[of][drawn]
    standing = [standing[i] for i in drawn.tolist()]
    x, y = _apart(places, rows)
    files = list(dict.fromkeys(each.path for each in standing))
    numbers = {path: number for number, path in enumerate(files)}
    file = np.array([numbers[each.path] for each in standing], np.uint32)
    found, group = _grouped(files, file, roots)
    return Atlas(
        generation=generation,
        total=total,
        x=x,
        y=y,
        group=group,
        file=file,
        line=np.array([each.name_line for each in standing], np.uint32),
        names=tuple(each.qualified_name for each in standing),
        files=tuple(map(Path, files)),
        groups=tuple(found),
        links=_links(rows, near, index, distinct[has][order]),
    )


def _apart(places: Floats, rows: Numbers) -> tuple[Floats, Floats]:
    """Where each function stands: those with the same text around one place, as seeds in a sunflower."""
    order = np.argsort(rows, kind="stable")
    sizes = np.bincount(rows, minlength=len(places))
    nth = np.empty(len(rows), np.float32)
    nth[order] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    far, angle = np.float32(_APART) * np.sqrt(nth), _GOLDEN * nth
    x, y = places[rows, 0] + far * np.cos(angle), places[rows, 1] + far * np.sin(angle)
    return np.clip(x, 0, 1), np.clip(y, 0, 1)


def _grouped(
    files: Sequence[str], file: npt.NDArray[np.uint32], roots: Sequence[Path]
) -> tuple[list[Group], npt.NDArray[np.uint8]]:
    sizes: Counter[tuple[str, ...]] = Counter()
    counts = np.bincount(file, minlength=len(files)).tolist()
    folders = [_folder(Path(path), roots) for path in files]
    for folder, count in zip(folders, counts, strict=True):
        sizes[folder] += count
    found, assigned = groups(list(sizes), list(sizes.values()))
    of_folder = dict(zip(sizes, assigned, strict=True))
    of_file = np.array([of_folder[folder] for folder in folders], np.uint8)
    return found, of_file[file] if len(file) else np.empty(0, np.uint8)


def _folder(path: Path, roots: Sequence[Path]) -> tuple[str, ...]:
    """The folder of a file as its root sees it, below the root's name where there are several."""
    root = next((root for root in roots if path.is_relative_to(root)), None)
    if root is None:
        return path.parent.parts
    inner = path.relative_to(root).parent.parts
    return inner if len(roots) == 1 else (root.name, *inner)


def _links(rows: Numbers, near: Numbers, index: Index, contents: Numbers) -> npt.NDArray[np.uint32]:
    """Functions with the same text, each with the next; the first of each text with those of its near-duplicates."""
    order = np.argsort(rows, kind="stable").astype(np.uint32)
    same = rows[order][1:] == rows[order][:-1]
    equal = np.stack([order[:-1][same], order[1:][same]], axis=1)
    first = order[np.searchsorted(rows[order], np.arange(len(contents)))] if len(contents) else order
    one, other = index.structures.alike(contents, near, _TWIN)
    return np.concatenate([equal, np.stack([first[one], first[other]], axis=1)])[:_LINKS]


def _hundredths(on_progress: OnProgress) -> Callable[[float], None]:
    told = -1

    def on_share(share: float) -> None:
        nonlocal told
        if int(share * _PARTS) != told:
            told = int(share * _PARTS)
            on_progress(Progress(told, _PARTS, None))

    return on_share
