"""Choose a few groups of folders to colour: no more than an eye can tell apart, each as large as possible."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MAX_GROUPS = 10
OTHERS = "others"
_MIN_SHARE = 0.02  # of all functions; smaller folders join "others" or the folder above

Folder = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FolderGroup:
    """A folder whose functions share a colour, and the number of these functions."""

    name: str  # "clients/src/test"; "others" for the last one, which may be empty
    count: int  # functions


def choose_groups(folders: Sequence[Folder], sizes: Sequence[int]) -> tuple[list[FolderGroup], list[int]]:
    """Return at most 10 groups and "others", which comes last, by size, and each folder's index among them.

    `sizes` counts the functions in each folder. Starts with all folders in one group and splits the largest that can be
    split, as long as there are at most MAX_GROUPS. Small folders stay with the folder that was split; at the root that
    is "others".
    """
    total = sum(sizes)
    group_sizes: dict[Folder, int] = {(): total}  # functions in a group's folder and in no other group below it
    display_folders: dict[Folder, Folder] = {(): ()}  # a folder with one child only is shown by the shorter name
    unsplittable: set[Folder] = set()
    while splittable := group_sizes.keys() - unsplittable:
        largest = max(splittable, key=lambda folder: (group_sizes[folder], folder))
        children = _count_children(largest, group_sizes, folders, sizes)
        large = {child: size for child, size in children.items() if size >= _MIN_SHARE * total}
        remainder = group_sizes[largest] - sum(large.values())
        has_remainder_group = remainder > 0 and largest != ()
        group_count = len(group_sizes) - 1 + len(large) + has_remainder_group
        if not large or (len(large) == 1 and has_remainder_group) or group_count > MAX_GROUPS:
            unsplittable.add(largest)
            continue
        is_only_child = len(large) == 1 and remainder == 0
        display_folders |= {child: display_folders[largest] if is_only_child and largest else child for child in large}
        del group_sizes[largest]
        group_sizes |= large
        if remainder:
            group_sizes[largest] = remainder
            unsplittable.add(largest)
    return _to_groups(group_sizes, display_folders, [_find_group(folder, group_sizes) for folder in folders])


def _count_children(
    parent: Folder, group_sizes: dict[Folder, int], folders: Sequence[Folder], sizes: Sequence[int]
) -> Counter[Folder]:
    """Return the functions per folder directly below `parent`, in no deeper group; those in `parent` don't count."""
    children: Counter[Folder] = Counter()
    for folder, size in zip(folders, sizes, strict=True):
        if len(folder) > len(parent) and _find_group(folder, group_sizes) == parent:
            children[folder[: len(parent) + 1]] += size
    return children


def _to_groups(
    group_sizes: dict[Folder, int], display_folders: dict[Folder, Folder], group_of: Sequence[Folder | None]
) -> tuple[list[FolderGroup], list[int]]:
    """Return groups by size, then "others", which may be empty, and each folder's group's index; others for None."""
    ranked = sorted((folder for folder in group_sizes if folder), key=lambda folder: (-group_sizes[folder], folder))
    numbers: dict[Folder | None, int] = {folder: number for number, folder in enumerate(ranked)}
    groups = [FolderGroup("/".join(display_folders[folder]), group_sizes[folder]) for folder in ranked]
    others = FolderGroup(OTHERS, group_sizes.get((), 0))
    return [*groups, others], [numbers.get(folder, len(ranked)) for folder in group_of]


def _find_group(folder: Folder, group_sizes: dict[Folder, int]) -> Folder | None:
    """Return the deepest group that contains the folder; None where none does."""
    return next((folder[:depth] for depth in range(len(folder), -1, -1) if folder[:depth] in group_sizes), None)
