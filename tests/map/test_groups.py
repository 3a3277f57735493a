"""Folders as groups for colours: few, large, and none that says too much."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.map.groups import MAX_GROUPS, OTHERS, choose_groups

folders = st.lists(st.sampled_from("abcde"), max_size=5).map(tuple)


@given(st.dictionaries(folders, st.integers(1, 500), max_size=60))
def test_each_folder_is_in_one_group_that_has_its_name(sizes: dict[tuple[str, ...], int]) -> None:
    groups, assigned = choose_groups(list(sizes), list(sizes.values()))
    assert len(groups) <= MAX_GROUPS + 1
    assert groups[-1].name == OTHERS
    assert len({group.name for group in groups}) == len(groups)
    counts = [0] * len(groups)
    for (folder, size), number in zip(sizes.items(), assigned, strict=True):
        counts[number] += size
        name = groups[number].name
        assert name == OTHERS or "/".join(folder).startswith(name)
    assert counts == [group.count for group in groups]


def test_the_largest_folders_are_told_apart_by_the_shortest_names() -> None:
    sizes = {
        ("clients", "src", "main", "java"): 500,
        ("streams", "src", "main"): 300,
        ("streams", "src", "test"): 200,
        ("docs",): 1,
    }
    groups, assigned = choose_groups(list(sizes), list(sizes.values()))
    assert [group.name for group in groups] == ["clients", "streams/src/main", "streams/src/test", OTHERS]
    assert assigned == [0, 1, 2, 3]
    assert groups[-1].count == 1


def test_nothing_is_one_empty_group() -> None:
    assert [(group.name, group.count) for group in choose_groups([], [])[0]] == [(OTHERS, 0)]
