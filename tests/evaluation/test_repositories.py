"""Claims about scoring hits in repositories, by hand-made cases, and about measuring a small one as codekin answers."""

import json
import math
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.repositories import (
    AnsweredQuestion,
    CheckoutError,
    Question,
    Repository,
    RepositoryResult,
    Target,
    compute_ndcg_of_ranks,
    compute_overall_ndcg,
    describe_measurement,
    load_repositories,
    measure_repositories,
    require_checkouts,
)
from codekin.evaluation.repository_report import format_table, to_json
from codekin.settings import Settings
from codekin.types import Span

SECOND, THIRD = 1 / math.log2(3), 1 / 2


def answered(targets: tuple[Target, ...], *found: Target, category: str = "semantic") -> AnsweredQuestion:
    return AnsweredQuestion(Question("q", category, "?", targets), found)


class TestRanks:
    def test_a_file_is_met_by_its_first_hit(self) -> None:
        hits = Target("b", Span(0, 5)), Target("a", Span(9, 12)), Target("a", Span(0, 5))
        assert answered((Target("a"),), *hits).target_ranks == [2]

    def test_paths_must_be_equal(self) -> None:
        assert answered((Target("a.py"),), Target("src/a.py", Span(0, 5)), Target("A.py", Span(0, 5))).target_ranks == [
            None
        ]

    @pytest.mark.parametrize(
        ("hit", "met"),
        [((0, 9), False), ((0, 10), True), ((12, 14), True), ((9, 40), True), ((19, 30), True), ((20, 30), False)],
    )
    def test_lines_are_met_by_a_hit_that_has_one_of_them(self, hit: tuple[int, int], met: bool) -> None:
        """The target's lines are 10 to 20 as a person counts them."""
        assert answered((Target("a", Span(9, 20)),), Target("a", Span(*hit))).target_ranks == [1 if met else None]

    def test_each_target_has_a_rank_of_its_own(self) -> None:
        targets = Target("a", Span(0, 3)), Target("a", Span(10, 13)), Target("c")
        assert answered(targets, Target("a", Span(11, 12)), Target("a", Span(0, 12))).target_ranks == [2, 1, None]

    def test_the_eleventh_hit_does_not_count(self) -> None:
        hits = [Target(f"x{n}", Span(0, 1)) for n in range(9)]
        tenth = answered((Target("a"),), *hits, Target("a", Span(0, 1)))
        assert tenth.ndcg == pytest.approx(1 / math.log2(11))
        eleventh = answered((Target("a"),), *hits, Target("x", Span(0, 1)), Target("a", Span(0, 1)))
        assert eleventh.target_ranks == [None]
        assert eleventh.ndcg == 0


class TestNdcg:
    def test_all_targets_at_the_top_are_perfect(self) -> None:
        assert compute_ndcg_of_ranks([1]) == 1
        assert compute_ndcg_of_ranks([2, 1]) == pytest.approx(1)

    def test_a_target_that_is_not_found_is_missed_by_the_ideal(self) -> None:
        assert compute_ndcg_of_ranks([1, None]) == pytest.approx(1 / (1 + SECOND))
        assert compute_ndcg_of_ranks([None]) == 0

    def test_the_gain_falls_with_the_logarithm_of_the_rank(self) -> None:
        assert compute_ndcg_of_ranks([2]) == pytest.approx(SECOND)
        assert compute_ndcg_of_ranks([3, 1]) == pytest.approx((1 + THIRD) / (1 + SECOND))

    def test_the_ideal_has_ten_targets_at_most(self) -> None:
        assert compute_ndcg_of_ranks([*range(1, 11), None, None]) == pytest.approx(1)


def repository(name: str, *questions: Question) -> Repository:
    return Repository(name, "python", f"https://github.com/o/{name}", "1234abcd", "src", questions)


class TestAverages:
    first = answered((Target("a"),), Target("a", Span(0, 1)))
    second = answered((Target("a"),), Target("b", Span(0, 1)), Target("a", Span(0, 1)), category="symbol")
    never = answered((Target("a"),))
    measured = (
        RepositoryResult(repository("one"), (first, second), (0.001, 0.003), 7),
        RepositoryResult(repository("two"), (never,), (0.005,), 8),
    )

    def test_repositories_count_alike_however_many_questions_they_have(self) -> None:
        assert compute_overall_ndcg(self.measured) == pytest.approx(((1 + SECOND) / 2 + 0) / 2)

    def test_the_table_has_categories_what_was_missed_and_latencies(self) -> None:
        table_row, two, everything = [line.split(" | ") for line in format_table(self.measured).splitlines()[2:]]
        assert table_row[1:] == ["7", "2", "0.815", "1.000", "–", "0.631", "0", "0", "2.0", "2.9 |"]
        assert two[1:] == ["8", "1", "0.000", "0.000", "–", "–", "1", "1", "5.0", "5.0 |"]
        assert everything[1:9] == ["15", "3", "0.408", "0.500", "–", "0.631", "1", "1"]

    def test_a_question_s_ranks_stand_without_times(self) -> None:
        """So that two runs can be compared."""
        row = to_json(self.measured)["questions"][1]
        assert row["targets"] == [{"at": "a", "rank": 2}]
        assert row["found"] == ["b:1-1", "a:1-1"]
        assert not any("ms" in key for key in row)


DATES = '''def parse_date(text):
    """Read a date such as 2024-05-01 from text."""
    year, month, day = text.split("-")
    return int(year), int(month), int(day)


def add_days(date, days):
    """Move a date on by some days."""
    return date.ordinal + days
'''
MAIL = '''def send_mail(server, sender, receivers, message):
    """Send an electronic letter to its receivers by SMTP."""
    for receiver in receivers:
        server.sendmail(sender, receiver, message)
'''


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A benchmark of one repository whose checkout is there."""
    folder = tmp_path / "bench"
    folder.mkdir()
    repository = {"name": "small", "language": "python", "repository": "o/small", "revision": "1234abcd", "root": "src"}
    rows = [
        ("q1", "semantic", "send a letter by SMTP", [{"path": "src/mail.py"}]),
        ("q2", "symbol", "parse_date", [{"path": "src/dates.py", "start_line": 1, "end_line": 4}]),
        ("q3", "semantic", "move a date by days", [{"path": "src/dates.py", "start_line": 7, "end_line": 9}]),
        ("q4", "semantic", "send a letter by SMTP", [{"path": "src/mail.py"}, {"path": "src/absent.py"}]),
    ]
    queries = [
        {"_id": name, "repo": "small", "language": "python", "text": text, "category": category}
        | {"relevant": places[:1], "secondary": places[1:]}
        for name, category, text, places in rows
    ]
    (folder / "repos.json").write_text(json.dumps([repository, repository | {"name": "unasked"}]))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    source = tmp_path / "checkouts" / "small" / "src"
    source.mkdir(parents=True)
    (source / "dates.py").write_text(DATES)
    (source / "mail.py").write_text(MAIL)
    return folder


def test_a_small_repository_is_measured_by_the_product_s_path(bench: Path, tmp_path: Path) -> None:
    (measured,) = measure_repositories(load_repositories(bench), tmp_path / "checkouts", Settings())
    assert [answer.target_ranks for answer in measured.answered_questions] == [[1], [1], [1], [1, None]]
    assert measured.ndcg == pytest.approx((1 + 1 + 1 + 1 / (1 + SECOND)) / 4)
    assert len(measured.seconds) == 4
    assert not list(tmp_path.rglob("*.sqlite"))


def test_lines_of_a_benchmark_are_counted_from_one_and_inclusive(bench: Path) -> None:
    (small,) = load_repositories(bench)
    assert small.questions[1].targets == (Target("src/dates.py", Span(0, 4)),)
    assert str(small.questions[1].targets[0]) == "src/dates.py:1-4"


def test_a_missing_checkout_is_named_with_the_commands_that_get_it(bench: Path, tmp_path: Path) -> None:
    (small,) = load_repositories(bench)
    lost = replace(small, name="lost", url="https://github.com/o/lost")
    with pytest.raises(CheckoutError) as raised:
        require_checkouts([small, lost], tmp_path / "checkouts")
    where = tmp_path / "checkouts" / "lost"
    assert f"git clone https://github.com/o/lost {where} && git -C {where} checkout 1234abcd" in str(raised.value)
    assert "small" not in str(raised.value).partition("Run:")[2]


def test_a_folder_without_a_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"needs repos\.json and queries\.jsonl"):
        load_repositories(tmp_path)


def test_the_signature_says_what_of_the_benchmark_is_there(bench: Path, tmp_path: Path) -> None:
    checkouts = tmp_path / "checkouts"
    repository = describe_measurement(load_repositories(bench), checkouts, Settings())
    assert repository["benchmark"] == "4 questions, 1 repositories"
    assert repository["answers"] == "3 files, 1 of them absent"
    assert repository["revisions"] == "1 without Git"
    assert repository["model"] == "codekin-static"

    git = ["git", "-C", str(checkouts / "small"), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git[:3], "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert describe_measurement(load_repositories(bench), checkouts, Settings())["revisions"] == "1 at another revision"
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (small,) = load_repositories(bench)
    assert describe_measurement([replace(small, revision=head)], checkouts, Settings())["revisions"] == "1 as named"
