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


def choose_groups(folders: Sequence[Folder], folder_sizes: Sequence[int]) -> tuple[list[FolderGroup], list[int]]:
    """Return at most 10 groups, largest first, then "others", and the index of each folder's group among them.

    `folder_sizes` counts the functions in each folder. Starts with all folders in one group and splits the largest that
    can be split, as long as there are at most MAX_GROUPS. Small folders stay with the folder that was split; at the
    root that is "others".
    """
    total_size = sum(folder_sizes)
    group_sizes: dict[Folder, int] = {(): total_size}  # functions in a group's folder and in no other group below it
    display_folders: dict[Folder, Folder] = {(): ()}  # a folder with one child only is shown by the shorter name
    unsplittable: set[Folder] = set()
    while splittable := group_sizes.keys() - unsplittable:
        largest_folder = max(splittable, key=lambda folder: (group_sizes[folder], folder))
        child_sizes = _count_children(largest_folder, group_sizes, folders, folder_sizes)
        large_children = {
            child_folder: folder_size
            for child_folder, folder_size in child_sizes.items()
            if folder_size >= _MIN_SHARE * total_size
        }
        remainder = group_sizes[largest_folder] - sum(large_children.values())
        has_remainder_group = remainder > 0 and largest_folder != ()
        group_count = len(group_sizes) - 1 + len(large_children) + has_remainder_group
        if not large_children or (len(large_children) == 1 and has_remainder_group) or group_count > MAX_GROUPS:
            unsplittable.add(largest_folder)
            continue
        is_only_child = len(large_children) == 1 and remainder == 0
        display_folders |= {
            child_folder: display_folders[largest_folder] if is_only_child and largest_folder else child_folder
            for child_folder in large_children
        }
        del group_sizes[largest_folder]
        group_sizes |= large_children
        if remainder:
            group_sizes[largest_folder] = remainder
            unsplittable.add(largest_folder)
    return _to_groups(group_sizes, display_folders, [_find_group(folder, group_sizes) for folder in folders])


def _count_children(
    parent_folder: Folder, group_sizes: dict[Folder, int], folders: Sequence[Folder], folder_sizes: Sequence[int]
) -> Counter[Folder]:
    """Return child folder of `parent_folder` → functions in and below it that belong to no deeper group."""
    child_sizes: Counter[Folder] = Counter()
    for folder, folder_size in zip(folders, folder_sizes, strict=True):
        if len(folder) > len(parent_folder) and _find_group(folder, group_sizes) == parent_folder:
            child_sizes[folder[: len(parent_folder) + 1]] += folder_size
    return child_sizes


def _to_groups(
    group_sizes: dict[Folder, int], display_folders: dict[Folder, Folder], group_of: Sequence[Folder | None]
) -> tuple[list[FolderGroup], list[int]]:
    """Return groups, largest first, and "others", maybe empty; and the index of each folder's group (None: others)."""
    ranked_folders = sorted(
        (folder for folder in group_sizes if folder), key=lambda folder: (-group_sizes[folder], folder)
    )
    group_numbers: dict[Folder | None, int] = {
        folder: group_number for group_number, folder in enumerate(ranked_folders)
    }
    folder_groups = [FolderGroup("/".join(display_folders[folder]), group_sizes[folder]) for folder in ranked_folders]
    others_group = FolderGroup(OTHERS, group_sizes.get((), 0))
    return [*folder_groups, others_group], [group_numbers.get(folder, len(ranked_folders)) for folder in group_of]


def _find_group(folder: Folder, group_sizes: dict[Folder, int]) -> Folder | None:
    """Return the deepest group that contains the folder; None where none does."""
    return next(
        (
            folder[:prefix_length]
            for prefix_length in range(len(folder), -1, -1)
            if folder[:prefix_length] in group_sizes
        ),
        None,
    )
