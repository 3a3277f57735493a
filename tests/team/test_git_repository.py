"""Which clones a list or folder names, and what is told of where they came from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin.errors import QueryError
from codekin.team.git_repository import find_repositories, make_link_template, normalize_remote

from .clones import commit, git

ADD = "def add(left, right):\n    return left + right\n"


class TestRepositories:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        commit(tmp_path / "shop", {"a.py": ADD})
        yield tmp_path

    def test_a_list_names_folders_names_and_branches(self, folder: Path):
        git(folder / "shop", "branch", "release")
        (folder / "list.tsv").write_text("# ours\nshop\tcompany/shop\trelease\n\n")
        (repository,) = find_repositories(folder / "list.tsv")
        assert (repository.name, repository.reference) == ("company/shop", "release")
        assert repository.resolve_commit() == git(folder / "shop", "rev-parse", "release")

    def test_wrong_sources_are_told(self, folder: Path):
        (folder / "none").mkdir()
        (folder / "twice.tsv").write_text("shop\nshop\n")
        for name, message in (("gone", "no file or folder"), ("none", "no Git repositories"), ("twice.tsv", "Two")):
            with pytest.raises(QueryError, match=message):
                find_repositories(folder / name)

    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://token:secret@GitHub.com/owner/name.git", "github.com/owner/name"),
            ("git@github.com:owner/name.git", "github.com/owner/name"),
            ("ssh://git@host.example:2222/group/sub/name", "host.example/group/sub/name"),
            ("/srv/git/name.git", ""),
            ("../name", ""),
        ],
    )
    def test_origins_have_no_credentials(self, url: str, origin: str):
        assert normalize_remote(url) == origin

    def test_links_are_the_forges(self):
        assert make_link_template("") == ""
        assert "/-/blob/{commit}/{path}#L{start}-{end}" in make_link_template("gitlab.example.com/a/b")
        assert make_link_template("github.com/a/b").startswith("https://github.com/a/b/blob/{commit}/{path}#L")
