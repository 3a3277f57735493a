"""Settings, and who may say what."""

import os
from pathlib import Path

import pytest

from codekin.bounds import format_value
from codekin.lsp.configuration import Configuration
from codekin.settings import Settings


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEKIN_CONFIG", str(tmp_path / "config.toml"))
    for name in os.environ:
        if name.startswith("CODEKIN_") and name != "CODEKIN_CONFIG":
            monkeypatch.delenv(name)


def test_who_speaks_later_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("[search]\nlimit = 1\n")
    configuration = Configuration(None)
    assert configuration.resolve_settings()[0].search.limit == 1
    configuration = Configuration({"search": {"limit": 2}})
    assert configuration.resolve_settings()[0].search.limit == 2
    configuration.update_client_settings({"search": {"limit": 3}})
    assert configuration.resolve_settings()[0].search.limit == 3
    monkeypatch.setenv("CODEKIN_SEARCH_LIMIT", "4")
    assert configuration.resolve_settings() == (configuration.resolve_settings()[0], ())
    assert configuration.resolve_settings()[0].search.limit == 4


def test_what_the_client_says_anew_replaces_what_it_said() -> None:
    configuration = Configuration(None)
    configuration.update_client_settings({"lens": {"enabled": True}})
    configuration.update_client_settings({})
    assert not configuration.resolve_settings()[0].lens.enabled


@pytest.mark.parametrize(
    "setting",
    [
        {"cache": {"directory": "/evil"}},
        {"cache": {"quotaMb": 16}},
        {"model": {"dim": 64}},
        {"model": {"endpoint": "http://evil"}},
        {"index": {"workers": 1}},
        {"index": {"maxFileBytes": 100_000_000}},
        {"index": {"max_file_bytes": 1}},
        {"index": {"pollingS": 0.5}},
    ],
)
def test_paths_models_and_what_costs_the_machine_come_from_the_user_only(setting: dict[str, object]) -> None:
    configuration = Configuration(None)
    default = configuration.resolve_settings()
    configuration.update_client_settings(setting)
    settings, problems = configuration.resolve_settings()
    assert settings == default[0]
    assert len(problems) == 1
    assert "config.toml" in problems[0]
    assert "initializationOptions" in problems[0]
    assert Configuration(setting).resolve_settings() != default


def test_the_users_own_settings_may_be_repeated_by_anyone() -> None:
    """An editor answers with all settings, also with those it sent as initializationOptions."""
    configuration = Configuration({"cache": {"directory": "/chosen"}})
    configuration.update_client_settings(
        {"cache": {"directory": "/chosen", "quotaMb": 2048}, "model": {"name": "embedded"}}
    )
    settings, problems = configuration.resolve_settings()
    assert settings.cache.directory == "/chosen"
    assert problems == ()


@pytest.mark.parametrize("workers", [40, 10**5000, -1, float("nan"), "40", [40], {"a": 40}, None], ids=format_value)
def test_no_workspace_starts_a_process(workers: object) -> None:
    """Whatever it asks for, and whoever passes it on, as an answer or of its own accord."""
    configuration = Configuration(None)
    for answers in ({"index": {"workers": workers}}, {"codekin": {"index": {"workers": workers}}}):
        configuration.update_client_settings(answers)
        settings, problems = configuration.resolve_settings()
        assert settings == Settings()
        assert len(problems) == (workers is not None)


def test_what_anyone_may_set_is_taken_beside_what_is_refused() -> None:
    configuration = Configuration(None)
    configuration.update_client_settings({"index": {"workers": 40, "exclude": ["legacy/"], "debounceMs": 10**9}})
    settings, problems = configuration.resolve_settings()
    assert (settings.index.workers, settings.index.exclude, settings.index.debounce_ms) == (0, ("legacy/",), 150)
    assert sorted(problem.split(" ")[0] for problem in problems) == ["codekin.index.workers", "the"]


def test_a_thousand_wrong_settings_are_a_handful_of_messages() -> None:
    configuration = Configuration(None)
    configuration.update_client_settings({"index": {f"wrong{number}": number for number in range(1000)}})
    assert 1 <= len(configuration.resolve_settings()[1]) <= 20


@pytest.mark.parametrize("nonsense", [None, [], "codekin", 3, {"codekin": None}, {"cache": 3}, {"cache": {"no": 1}}])
def test_nonsense_is_survived(nonsense: object) -> None:
    configuration = Configuration(nonsense)
    configuration.update_client_settings(nonsense)
    settings, _ = configuration.resolve_settings()
    assert settings.search.limit == 10


def test_settings_may_come_wrapped() -> None:
    assert Configuration({"codekin": {"search": {"limit": 7}}}).resolve_settings()[0].search.limit == 7


@pytest.mark.parametrize(
    "settings",
    [{"completion": {"floor": 7}}, {"index": {"workers": -1}}, {"completion": {"flor": 1}}, {"nothing": 1}],
)
def test_a_mistake_that_a_client_sends_twice_is_one_problem(settings: dict[str, object]):
    """Neovim's `settings` come with `initialize`, and answer `workspace/configuration`."""
    configuration = Configuration(settings)
    problems = configuration.resolve_settings()[1]
    assert len(problems) == 1
    configuration.update_client_settings({"codekin": settings})
    assert configuration.resolve_settings()[1] == problems
    configuration.update_client_settings({"codekin": {"completion": {"floor": 8}}})
    assert len(configuration.resolve_settings()[1]) == 2


@pytest.mark.parametrize(("first", "then"), [(1, True), (True, 1)])
def test_a_value_of_another_type_is_no_repetition(first: object, then: object):
    """`1` is a mistake where true or false is wanted, though Python says that it equals true."""
    configuration = Configuration({"lens": {"enabled": first}})
    problem_count = len(configuration.resolve_settings()[1])
    configuration.update_client_settings({"codekin": {"lens": {"enabled": then}}})
    assert configuration.resolve_settings()[0].lens.enabled is True
    assert len(configuration.resolve_settings()[1]) == problem_count + (then is not True)
