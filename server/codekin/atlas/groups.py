"""Files → a few groups by folder, for colours: as many as an eye can tell apart, each as large as can be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 10
_LEAST_SHARE = 0.02  # of all functions; what is smaller is with the others
OTHERS = "others"

Folder = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A folder whose functions have one colour."""

    name: str  # "clients/src/test"; "others" for the last one, which may be empty
    count: int  # functions


def groups(folders: Sequence[Folder], sizes: Sequence[int]) -> tuple[list[Group], list[int]]:
    """The groups, largest first, "others" last, and each folder's group; `sizes` counts the functions in each folder.

    Begins with all in one and cuts the largest that can be cut, as long as there are not too many. What is small
    stays with the folder that was cut; of the root that is "others".
    """
    total = sum(sizes)
    cuts: dict[Folder, int] = {(): total}  # a folder → how many functions are in it and in no cut below it
    names: dict[Folder, Folder] = {(): ()}  # where one folder is all that another has, the shorter name is told
    whole: set[Folder] = set()
    while open_cuts := cuts.keys() - whole:
        largest = max(open_cuts, key=lambda cut: (cuts[cut], cut))
        below = _below(largest, cuts, folders, sizes)
        large = {cut: size for cut, size in below.items() if size >= _LEAST_SHARE * total}
        rest = cuts[largest] - sum(large.values())
        count = len(cuts) - 1 + len(large) + (rest > 0 and largest != ())
        if not large or (len(large) == 1 and rest > 0 and largest != ()) or count > MOST:
            whole.add(largest)
            continue
        only = len(large) == 1 and rest == 0
        names |= {cut: names[largest] if only and largest else cut for cut in large}
        del cuts[largest]
        cuts |= large
        if rest:
            cuts[largest] = rest
            whole.add(largest)
    return _named(cuts, names, [_group_of(folder, cuts) for folder in folders])


def _below(top: Folder, cuts: dict[Folder, int], folders: Sequence[Folder], sizes: Sequence[int]) -> Counter[Folder]:
    """The folders next below `top`, and how many functions are in each."""
    below: Counter[Folder] = Counter()
    for folder, size in zip(folders, sizes, strict=True):
        if len(folder) > len(top) and _group_of(folder, cuts) == top:
            below[folder[: len(top) + 1]] += size
    return below


def _named(
    cuts: dict[Folder, int], names: dict[Folder, Folder], cut_of: Sequence[Folder | None]
) -> tuple[list[Group], list[int]]:
    ranked = sorted((cut for cut in cuts if cut), key=lambda cut: (-cuts[cut], cut))
    numbers: dict[Folder | None, int] = {cut: number for number, cut in enumerate(ranked)}
    made = [Group("/".join(names[cut]), cuts[cut]) for cut in ranked]
    return [*made, Group(OTHERS, cuts.get((), 0))], [numbers.get(cut, len(ranked)) for cut in cut_of]


def _group_of(folder: Folder, cuts: dict[Folder, int]) -> Folder | None:
    """The deepest cut that the folder is in."""
    return next((folder[:depth] for depth in range(len(folder), -1, -1) if folder[:depth] in cuts), None)
