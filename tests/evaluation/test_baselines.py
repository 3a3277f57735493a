"""Claims about the comparison with plain retrievers, on a repository of two files."""

from pathlib import Path

from codekin.evaluation.baselines import SYSTEMS, AnsweredByAll, ask_all_systems, format_comparison
from codekin.evaluation.repositories import Question, Repository, Target


def test_every_system_is_asked_about_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "mail.py").write_text("def send_letter(server):\n    return server.send()\n")
    (folder / "sums.py").write_text("def add(left, right):\n    return left + right\n")
    (folder / "README.md").write_text("# Letters\n\nHow to send a letter to a server, as often as you like.\n")
    questions = (
        Question("1", "commit", "send a letter", (Target("mail.py"),)),
        Question("2", "report", "Left is lost\n\nadd returns right", (Target("sums.py"),)),
    )
    answers = ask_all_systems(Repository("small", "python", "", "", "", questions), tmp_path)
    for answer, right in zip(answers, ("mail.py", "sums.py"), strict=True):
        assert {system: files[0] for system, files in answer.files.items()} == dict.fromkeys(SYSTEMS, right)
    (report,) = ask_all_systems(Repository("small", "python", "", "", "", questions), tmp_path, "report")
    assert report.category == "report"
    assert ask_all_systems(Repository("small", "python", "", "", "", questions), tmp_path, "none") == []


def test_figures_are_shares_of_questions_and_a_mean_of_repositories() -> None:
    def answer(*files: str) -> AnsweredByAll:
        """Return a question answered by a.py, for which every system found these files."""
        return AnsweredByAll("commit", frozenset({"a.py"}), dict.fromkeys(SYSTEMS, files))

    table = format_comparison([[answer("a.py"), answer("b.py", "a.py"), answer()], [answer("b.py", "c.py", "a.py")]])
    figures = [cell.strip() for cell in table.splitlines()[2].split("|")[1:-1]]
    second, third = 0.6309, 0.5
    assert figures == ["codekin", "0.250", "0.750", "0.750", f"{((1 + second) / 3 + third) / 2:.3f}", "0.250"]
