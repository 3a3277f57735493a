"""Settings: a wrong value is told and costs nothing else, whoever sets it; and README's table is the tree."""

import dataclasses
import json
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.bounds import Machine, Scope, format_value
from codekin.settings import Settings, config_file, load_user_settings, override_settings

README = Path(__file__).parents[1] / "README.md"
GROUPS = get_type_hints(Settings)
LEAVES = [(group.name, leaf) for group in fields(Settings) for leaf in fields(GROUPS[group.name])]
WRONG = {
    bool: ["yes", 1, 0.0, [], {}],
    int: ["1", True, 1.5, -1, float("nan"), float("inf"), [], 10**22, -(10**22), 10**5000],
    float: ["1", True, -1, float("nan"), float("inf"), -float("inf"), {}, 10**22, 10**400, 10**5000],
    str: [1, True, [], "no such choice"],
    tuple: ["a", [1], [None], True, {"a": "b"}, ["a/" * 40_000], ["a"] * 40_000, [""] * 70_000],
    dict: [
        *("a", [], 1, {"a": 1}),
        *({f"*.{number}": "php" for number in range(2_000)}, {"a" * 70_000: "php"}),
    ],
}


@pytest.fixture(autouse=True)
def nobody_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the user's settings from the environment, and name a file of the test's own instead."""
    for name in os.environ:
        if name.startswith("CODEKIN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CODEKIN_CONFIG", str(tmp_path / "config.toml"))


def value(settings: Settings, group: str, leaf: str) -> Any:
    return getattr(getattr(settings, group), leaf)


def wrong_values() -> Iterator[tuple[str, str, Any]]:
    for group, leaf in LEAVES:
        kind = type(value(Settings(), group, leaf.name))
        free = kind is str and not leaf.metadata["choices"]
        for wrong in WRONG[kind]:
            if not (free and isinstance(wrong, str)):
                yield group, leaf.name, wrong


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from([group.name for group in fields(Settings)] + [leaf.name for _, leaf in LEAVES]) | st.text()


class TestTree:
    def test_every_leaf_says_what_it_is(self):
        for group, leaf in LEAVES:
            assert leaf.metadata["description"].endswith("."), f"{group}.{leaf.name}"

    def test_its_own_values_are_right(self):
        settings, problems = override_settings(
            Settings(), json.loads(json.dumps(dataclasses.asdict(Settings()))), source="x"
        )
        assert settings == Settings()
        assert not problems

    def test_it_is_the_table_in_the_readme(self):
        expected = [f"| `{name}` | {default} | {text} |" for name, default, text in _table()]
        printed_table = README.read_text("utf-8").partition("<!-- settings -->")[2].partition("<!-- end -->")[0]
        rows = [line for line in printed_table.splitlines() if line.startswith("| `")]
        assert rows == expected, "README's table of settings should be:\n" + "\n".join(expected)


def _table() -> Iterator[tuple[str, str, str]]:
    for group, leaf in LEAVES:
        default = value(Settings(), group, leaf.name)
        bounds = ""
        if leaf.metadata["between"]:
            least, most = leaf.metadata["between"]
            bounds = f" {least:,} to {most.value if isinstance(most, Machine) else format(most, ',')}."
        choices = f" One of {', '.join(leaf.metadata['choices'])}." if leaf.metadata["choices"] else ""
        scope_note = " *Yours alone.*" if leaf.metadata["scope"] is Scope.USER else ""
        yield (
            f"{group}.{leaf.name}",
            f"`{json.dumps(default)}`",
            leaf.metadata["description"] + bounds + choices + scope_note,
        )


def bounds(leaf: dataclasses.Field[Any]) -> tuple[float, float] | None:
    """Return the least and the greatest value of a setting on this machine; None for one without bounds."""
    if leaf.metadata["between"] is None:
        return None
    least, most = leaf.metadata["between"]
    return least, most.value_here() if isinstance(most, Machine) else most


class TestBounds:
    @pytest.mark.parametrize(("group", "leaf"), LEAVES, ids=lambda part: getattr(part, "name", part))
    def test_every_number_has_a_least_and_a_greatest_value(self, group: str, leaf: dataclasses.Field[Any]):
        kind = type(value(Settings(), group, leaf.name))
        assert (bounds(leaf) is not None) == (kind in (int, float))

    @pytest.mark.parametrize(("group", "leaf"), LEAVES, ids=lambda part: getattr(part, "name", part))
    def test_both_are_taken_and_what_lies_beyond_is_told(self, group: str, leaf: dataclasses.Field[Any]):
        if (between := bounds(leaf)) is None:
            return
        default = value(Settings(), group, leaf.name)
        for bound, step in zip(between, (-1, 1), strict=True):
            settings, problems = override_settings(Settings(), {group: {leaf.name: type(default)(bound)}}, source="x")
            assert value(settings, group, leaf.name) == bound
            assert not problems
            settings, (problem,) = override_settings(
                Settings(), {group: {leaf.name: type(default)(bound) + step}}, source="x"
            )
            assert value(settings, group, leaf.name) == default
            assert f"at {'least' if step < 0 else 'most'} {bound:,}" in str(problem)

    def test_there_are_no_more_workers_than_processors(self):
        settings, (problem,) = override_settings(Settings(), {"index": {"workers": 10_000}}, source="x")
        assert settings == Settings()
        assert f"at most {os.cpu_count()}, the number of processors" in str(problem)

    def test_a_model_and_what_costs_the_machine_is_the_users_own(self):
        user_settings = {f"{group}.{leaf.name}" for group, leaf in LEAVES if leaf.metadata["scope"] is Scope.USER}
        costs = {"index.workers", "index.max_file_bytes", "index.polling_s", "cli.resident"}
        assert user_settings == costs | {
            f"{group}.{leaf.name}" for group, leaf in LEAVES if group in ("model", "cache", "team")
        }

    @pytest.mark.parametrize("wrong", ["x" * 10_000, [["x"] * 10_000], 10**5000, {"x" * 10_000: 1}], ids=type)
    def test_a_message_stays_short_whatever_was_sent(self, wrong: Any):
        for values in ({"index": {"workers": wrong}}, {"index": wrong}, {"x" * 10_000: wrong}):
            _, (problem,) = override_settings(Settings(), values, source="x")
            assert len(str(problem)) < 500


class TestOverlay:
    @given(st.dictionaries(names, anything | st.dictionaries(names, anything)))
    def test_whatever_comes_the_tree_stays_right(self, values: dict[str, Any]):
        settings, problems = override_settings(Settings(), values, source="x")
        for group, leaf in LEAVES:
            now, default = value(settings, group, leaf.name), value(Settings(), group, leaf.name)
            assert type(now) is type(default)
            if between := bounds(leaf):
                assert between[0] <= now <= between[1]
            if leaf.metadata["choices"]:
                assert now in leaf.metadata["choices"]
        assert all(str(problem).startswith("x: ") for problem in problems)

    @given(st.integers(1, 1000), st.booleans(), st.lists(st.text()), st.floats(0.5, 1000.0) | st.integers(1, 9))
    def test_right_values_are_taken_as_they_are(self, size: int, enabled: bool, exclude: list[str], polling: float):
        values = {
            "index": {"max_file_bytes": size, "exclude": exclude, "polling_s": polling},
            "lens": {"enabled": enabled},
        }
        settings, problems = override_settings(Settings(), values, source="x")
        assert not problems
        assert (settings.index.max_file_bytes, settings.index.exclude) == (size, tuple(exclude))
        assert (settings.index.polling_s, settings.lens.enabled) == (polling, enabled)
        assert settings.search == Settings().search

    @pytest.mark.parametrize(
        ("pattern", "language"),
        [("*.x", "phpp"), ("a/*.x", "php"), ("", "php"), ("!*.x", "php"), ("#a", "php"), ("a\nb", "php")],
    )
    def test_a_wrong_pattern_is_told_and_the_others_count(self, pattern: str, language: str):
        values = {"index": {"languages": {"*.inc": "php", pattern: language, "*.foo": "python"}}}
        settings, (problem,) = override_settings(Settings(), values, source="x")
        assert settings.index.languages == {"*.inc": "php", "*.foo": "python"}
        assert "index.languages: " in str(problem)
        assert "left out" in str(problem)

    def test_of_many_wrong_patterns_a_few_are_told(self):
        values = {"index": {"languages": {f"*.{number}": "phpp" for number in range(500)}}}
        settings, problems = override_settings(Settings(), values, source="x")
        assert (settings.index.languages, len(problems)) == ({}, 6)
        assert "495 more" in str(problems[-1])

    @pytest.mark.parametrize(("group", "leaf", "wrong"), list(wrong_values()), ids=format_value)
    def test_a_wrong_value_is_told_by_name_and_the_rest_is_taken(self, group: str, leaf: str, wrong: Any):
        other_leaf = "debounce_ms" if leaf != "debounce_ms" else "max_file_bytes"
        values: dict[str, Any] = {"index": {other_leaf: 7}}
        values.setdefault(group, {})[leaf] = wrong
        settings, problems = override_settings(Settings(), values, source="x")
        assert value(settings, group, leaf) == value(Settings(), group, leaf)
        assert value(settings, "index", other_leaf) == 7
        (problem,) = problems
        assert f"{group}.{leaf}" in str(problem)
        assert "must be" in str(problem)

    def test_an_unknown_setting_is_told_with_those_there_are(self):
        for values, parent_name in (({"speed": 1}, "index"), ({"index": {"speed": 1}}, "index.workers")):
            settings, (problem,) = override_settings(Settings(), values, source="x")
            assert settings == Settings()
            assert "speed" in str(problem)
            assert parent_name in str(problem)

    def test_a_group_is_no_value(self):
        settings, (problem,) = override_settings(Settings(), {"index": 3}, source="x")
        assert settings == Settings()
        assert "group" in str(problem)

    def test_editors_camel_case_and_nulls_are_understood(self):
        values = {"index": {"maxFileBytes": 10, "debounceMs": None, "workers": None}, "model": None}
        settings, problems = override_settings(Settings(), values, source="x")
        assert not problems
        assert settings.index == dataclasses.replace(Settings().index, max_file_bytes=10)


class TestSources:
    def test_without_any_there_are_the_defaults(self):
        assert load_user_settings() == (Settings(), ())

    def test_the_environment_wins_over_the_editor_and_the_editor_over_the_file(self, monkeypatch: pytest.MonkeyPatch):
        config_file().write_text("[search]\nlimit = 1\n[index]\ndebounce_ms = 1\nmax_file_bytes = 1\n")
        monkeypatch.setenv("CODEKIN_SEARCH_LIMIT", "3")
        client = {"search": {"limit": 2}, "index": {"debounceMs": 2}}
        settings, problems = load_user_settings([("the editor", client)])
        assert not problems
        index = settings.index
        assert (settings.search.limit, index.debounce_ms, index.max_file_bytes) == (3, 2, 1)

    @pytest.mark.parametrize(
        "text", ["index = [", "\x00", "[index]\nworkers = 1\nworkers = 2", "ÿ", "x = " + "[" * 5000]
    )
    def test_a_file_that_is_no_toml_is_told_and_the_defaults_are_used(self, text: str):
        config_file().write_text(text, "latin-1")
        settings, (problem,) = load_user_settings()
        assert settings == Settings()
        assert str(config_file()) in str(problem)

    def test_a_folder_for_a_file_is_told(self):
        config_file().mkdir()
        settings, (problem,) = load_user_settings()
        assert settings == Settings()
        assert str(config_file()) in str(problem)

    @pytest.mark.parametrize(
        ("name", "text", "group", "leaf", "expected"),
        [
            ("CODEKIN_INDEX_WORKERS", "1", "index", "workers", 1),
            ("CODEKIN_INDEX_EXCLUDE", '["a", "b/"]', "index", "exclude", ("a", "b/")),
            ("CODEKIN_INDEX_POLLING_S", "2", "index", "polling_s", 2.0),
            ("CODEKIN_LENS_ENABLED", "true", "lens", "enabled", True),
            ("CODEKIN_CACHE_DIRECTORY", "/some/where", "cache", "directory", "/some/where"),
            ("CODEKIN_CACHE_DIRECTORY", "C:\\some\\where", "cache", "directory", "C:\\some\\where"),
            ("CODEKIN_CACHE_DIRECTORY", '"quoted"', "cache", "directory", "quoted"),
        ],
    )
    def test_a_variable_is_toml_or_plain_text(
        self, monkeypatch: pytest.MonkeyPatch, name: str, text: str, group: str, leaf: str, expected: Any
    ):
        monkeypatch.setenv(name, text)
        settings, problems = load_user_settings()
        assert not problems
        assert value(settings, group, leaf) == expected

    @pytest.mark.parametrize(
        "text",
        ["many", "-1", "1.5", "true", "1000000", "1e400", "nan", "9" * 5000, pytest.param("[" * 5000, id="deep")],
    )
    def test_a_wrong_variable_is_told(self, monkeypatch: pytest.MonkeyPatch, text: str):
        monkeypatch.setenv("CODEKIN_INDEX_WORKERS", text)
        settings, problems = load_user_settings()
        assert settings == Settings()
        assert "index.workers" in str(problems[0])

    def test_the_cache_goes_where_it_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        assert "codekin" in str(Settings().cache_directory)
        monkeypatch.setenv("CODEKIN_CACHE_DIRECTORY", str(tmp_path))
        assert load_user_settings()[0].cache_directory == tmp_path
        monkeypatch.setenv("CODEKIN_CACHE_DIRECTORY", "~/indexes")
        assert load_user_settings()[0].cache_directory == Path.home() / "indexes"
