"""Groups of duplicates: everything with a near-duplicate is in one, and what saves most comes first."""

from itertools import combinations
from pathlib import Path
from threading import Event

import pytest

from codekin.code.extract import split_lines, to_canonical_text
from codekin.duplicates.functions import FunctionCopy, FunctionTable, join_parts, list_whole_functions, read_functions
from codekin.duplicates.groups import DuplicateGrouper
from codekin.engine import Engine
from codekin.search.clone_classification import TokenProfile, classify
from codekin.settings import CacheSettings, Settings
from codekin.types import Kinship


@pytest.fixture(scope="module")
def table(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> FunctionTable:
    """The functions of five lines and more of a real tree."""
    settings = Settings(cache=CacheSettings(str(tmp_path_factory.mktemp("cache"))))
    engine = Engine([real_tree / "email", real_tree / "concurrent", real_tree / "xml"], settings)
    engine.refresh(lambda _: None, Event(), 1)
    whole_functions = map(join_parts, list_whole_functions(engine._index.store))
    places = [place for place in whole_functions if place.span.end - place.span.start >= 5]
    read = read_functions(engine._workspace, places, None, lambda _: None, Event())
    engine.close()
    return read


def text_of(function: FunctionCopy) -> str:
    lines = split_lines(function.path.read_text("utf-8"))
    return to_canonical_text(lines[function.span.start : function.span.end])


def test_what_has_a_near_duplicate_is_in_exactly_one_group(table: FunctionTable):
    profiles = [TokenProfile(text_of(function), "python", function.name) for function in table.functions]
    have_duplicates = {
        function
        for (first, one), (second, other) in combinations(zip(table.functions, profiles, strict=True), 2)
        if (evidence := classify(one, other)) is not None and evidence.is_near_duplicate
        for function in (first, second)
    }
    groups = list(DuplicateGrouper(table).find_groups(lambda _: True))
    members = [member.function for group in groups for member in group.members]
    assert len(members) == len(set(members))
    assert set(members) == have_duplicates
    assert len(members) > 10


def test_groups_come_in_order_and_say_how_each_member_is_alike(table: FunctionTable):
    groups = list(DuplicateGrouper(table).find_groups(lambda _: True))
    assert [group.saved_lines for group in groups] == sorted((group.saved_lines for group in groups), reverse=True)
    for group in groups:
        assert len(group.members) > 1
        assert group.members[0].kinship is None
        assert all(member.kinship and member.why for member in group.members[1:])
    assert list(DuplicateGrouper(table).find_groups(lambda _: True)) == groups


def test_only_groups_with_a_wanted_function_come(table: FunctionTable):
    groups = list(DuplicateGrouper(table).find_groups(lambda _: True))
    wanted = groups[-1].members[-1].function
    assert list(DuplicateGrouper(table).find_groups(lambda function: function == wanted)) == [groups[-1]]


def test_a_closer_limit_leaves_looser_kin_out(table: FunctionTable):
    groups = list(DuplicateGrouper(table, Kinship.IDENTICAL).find_groups(lambda _: True))
    assert {group.kinship for group in groups} <= {Kinship.IDENTICAL}
