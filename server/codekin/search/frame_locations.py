"""Find the places in the workspace that the frames of a stack trace, or paths in a text, speak of."""

from collections.abc import Sequence
from pathlib import Path

from codekin.index.index import Index
from codekin.search.paths import to_relative_path
from codekin.search.stack_frames import StackFrame
from codekin.types import Filter, Location

_FOREIGN_FOLDERS = frozenset({"site-packages", "dist-packages", "node_modules", "vendor", "gems", "registry", "lib"})
_MAX_AMBIGUOUS_FILES = 3  # that a frame may mean


class FrameLocator:
    """Resolves frames to snippets of one index, whose files are listed once."""

    def __init__(self, index: Index, roots: Sequence[Path], frames: Sequence[StackFrame]) -> None:
        """List the stored files named like the file of any frame. Raises StoreError."""
        self._index = index
        self._roots = roots
        self._paths_by_name: dict[str, list[tuple[Path, tuple[str, ...]]]] = {}
        names = {frame.path[-1] for frame in frames if frame.path}
        for _, path_text in index.store.list_numbered_files() if names else ():
            parts = tuple(to_relative_path(path_text, roots).split("/"))
            if parts[-1] in names:
                self._paths_by_name.setdefault(parts[-1], []).append((Path(path_text), parts))

    def locate_frame(self, frame: StackFrame, hit_filter: Filter) -> Location | None:
        """Return the stored snippet of a frame: named like its function, else at its line; None for none."""
        for path in self._find_files(frame):
            locations = self._index.store.locations_in(path, hit_filter)
            if location := choose_location(locations, frame):
                return location
        return None

    def find_files(self, frames: Sequence[StackFrame]) -> list[Path]:
        """Return the files in the workspace that the frames mean, each once, in order."""
        return list(dict.fromkeys(path for frame in frames for path in self._find_files(frame)))

    def _find_files(self, frame: StackFrame) -> list[Path]:
        """Return the up to three stored files whose ends agree best with a frame's path; [] for none, or for more."""
        counted = [
            (_count_common_end(frame.path, parts), path, parts)
            for path, parts in self._paths_by_name.get(frame.path[-1] if frame.path else "", ())
        ]
        likely = [(count, path) for count, path, parts in counted if self._is_likely(frame, count, parts)]
        best_count = max((count for count, _ in likely), default=0)
        best_paths = sorted(path for count, path in likely if count == best_count)
        return best_paths if len(best_paths) <= _MAX_AMBIGUOUS_FILES else []

    def _is_likely(self, frame: StackFrame, common_count: int, parts: tuple[str, ...]) -> bool:
        """Return whether a frame means a file: 2 common names at the end, its only name, or a file's whole path."""
        if common_count >= 2 or len(frame.path) == 1:
            return True
        is_whole = common_count == len(parts)
        return is_whole and _FOREIGN_FOLDERS.isdisjoint(frame.path)


def choose_location(locations: Sequence[Location], frame: StackFrame) -> Location | None:
    """Return, of a file's snippets, the one named like the frame's function, nearest to its line, else at the line.

    None where there is neither.
    """
    named = [location for location in locations if frame.function and location.name == frame.function]
    line = frame.line
    if named:
        return min(named, key=lambda location: (_measure_distance(location, line or 0), location.span.start))
    if line is None:
        return None
    return next((location for location in locations if location.span.start <= line < location.span.end), None)


def _measure_distance(location: Location, line: int) -> int:
    """Return the distance in lines between the location and line number `line`; 0 if it contains the line."""
    return max(location.span.start - line, line - location.span.end + 1, 0)


def _count_common_end(names: Sequence[str], other_names: Sequence[str]) -> int:
    """Return how many trailing parts (names of folders and file) two paths have in common."""
    count = 0
    for name, other_name in zip(reversed(names), reversed(other_names), strict=False):
        if name != other_name:
            break
        count += 1
    return count
