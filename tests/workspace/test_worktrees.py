"""A file's other checkouts are in the worktrees of its own repository, and nowhere else."""

from pathlib import Path

from codekin.workspace.worktrees import Worktrees

from .trees import run_git


def test_other_checkouts_are_in_worktrees_of_the_same_repository(tmp_path: Path) -> None:
    main, topic, other = (tmp_path / name for name in ("main", "main/topic", "other"))
    for root in (main, other):
        run_git("init", "-q", root)
    run_git("-C", main, "commit", "-q", "--allow-empty", "-m", "first")
    run_git("-C", main, "worktree", "add", "-q", topic)
    worktrees = Worktrees([main, topic, other, tmp_path / "plain"])
    assert worktrees.find_other_checkouts(main / "src" / "a.py") == {topic / "src" / "a.py"}
    assert worktrees.find_other_checkouts(topic / "a.py") == {main / "a.py"}
    for path in (other / "a.py", tmp_path / "plain" / "a.py", tmp_path / "a.py"):
        assert worktrees.find_other_checkouts(path) == frozenset()


def test_folders_of_worktrees_may_be_the_roots(tmp_path: Path) -> None:
    main, topic = tmp_path / "main", tmp_path / "topic"
    run_git("init", "-q", main)
    run_git("-C", main, "commit", "-q", "--allow-empty", "-m", "first")
    run_git("-C", main, "worktree", "add", "-q", topic)
    (topic / "server").mkdir()
    worktrees = Worktrees([main, main / "client", topic / "server"])
    assert worktrees.find_other_checkouts(main / "server" / "a.py") == {topic / "server" / "a.py"}
    assert worktrees.find_other_checkouts(topic / "server" / "a.py") == {main / "server" / "a.py"}


def test_a_git_file_that_points_nowhere_or_at_itself_is_no_matter(tmp_path: Path) -> None:
    main, strange = tmp_path / "main", tmp_path / "strange"
    run_git("init", "-q", main)
    strange.mkdir()
    for pointer in ("gitdir: .", "gitdir: " + "a/" * 4000, "gitdir: " + "../" * 2000, "gitdir: \0\n/x", "x" * 100_000):
        (strange / ".git").write_text(pointer)
        assert Worktrees([main, strange]).find_other_checkouts(strange / "a.py") == frozenset()
    (strange / ".git").unlink()
    (strange / ".git").symlink_to(strange / ".git")
    assert Worktrees([main, strange]).find_other_checkouts(strange / "a.py") == frozenset()
