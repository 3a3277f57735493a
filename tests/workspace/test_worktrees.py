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
