"""Settings, and who may say what."""

from pathlib import Path

import pytest

from codekin.lsp.configuration import Configuration


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEKIN_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("CODEKIN_CACHE_DIRECTORY", raising=False)
    monkeypatch.delenv("CODEKIN_SEARCH_LIMIT", raising=False)


def test_who_speaks_later_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("[search]\nlimit = 1\n")
    configuration = Configuration(None)
    assert configuration.settings()[0].search.limit == 1
    configuration = Configuration({"search": {"limit": 2}})
    assert configuration.settings()[0].search.limit == 2
    configuration.take({"search": {"limit": 3}})
    assert configuration.settings()[0].search.limit == 3
    monkeypatch.setenv("CODEKIN_SEARCH_LIMIT", "4")
    assert configuration.settings() == (configuration.settings()[0], ())
    assert configuration.settings()[0].search.limit == 4


def test_what_the_client_says_anew_replaces_what_it_said() -> None:
    configuration = Configuration(None)
    configuration.take({"lens": {"enabled": True}})
    configuration.take({})
    assert not configuration.settings()[0].lens.enabled


@pytest.mark.parametrize(
    "setting", [{"cache": {"directory": "/evil"}}, {"cache": {"quotaMb": 16}}, {"model": {"dim": 64}}]
)
def test_paths_models_and_what_all_share_come_from_the_user_only(setting: dict[str, object]) -> None:
    configuration = Configuration(None)
    default = configuration.settings()
    configuration.take(setting)
    settings, problems = configuration.settings()
    assert settings == default[0]
    assert len(problems) == 1
    assert "config.toml" in problems[0]
    assert "initializationOptions" in problems[0]
    assert Configuration(setting).settings() != default


def test_the_users_own_settings_may_be_repeated_by_anyone() -> None:
    """An editor answers with all settings, also with those it sent as initializationOptions."""
    configuration = Configuration({"cache": {"directory": "/chosen"}})
    configuration.take({"cache": {"directory": "/chosen", "quotaMb": 2048}, "model": {"name": "embedded"}})
    settings, problems = configuration.settings()
    assert settings.cache.directory == "/chosen"
    assert problems == ()


@pytest.mark.parametrize("nonsense", [None, [], "codekin", 3, {"codekin": None}, {"cache": 3}, {"cache": {"no": 1}}])
def test_nonsense_is_survived(nonsense: object) -> None:
    configuration = Configuration(nonsense)
    configuration.take(nonsense)
    settings, _ = configuration.settings()
    assert settings.search.limit == 10


def test_settings_may_come_wrapped() -> None:
    assert Configuration({"codekin": {"search": {"limit": 7}}}).settings()[0].search.limit == 7
