"""`codekin evaluate` as it is typed, on a benchmark of one repository and on a set of three passages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..documented_json import check_documented

CODEKIN = shutil.which("codekin", path=str(Path(sys.executable).parent)) or "codekin"
SOURCE = '''def send_mail(server, sender, receivers, message):
    """Send an electronic letter to its receivers by SMTP."""
    for receiver in receivers:
        server.sendmail(sender, receiver, message)
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bench/, checkouts/ and sets/words, sets/code."""
    place = tmp_path_factory.mktemp("evaluate")
    repository = {"name": "mail", "language": "python", "repository": "o/mail", "revision": "12ab", "root": "src"}
    query = {"_id": "q1", "repo": "mail", "language": "python", "text": "send a letter", "category": "semantic"}
    query |= {"relevant": [{"path": "src/mail.py"}], "secondary": []}
    write(place / "bench" / "repos.json", json.dumps([repository]))
    write(place / "bench" / "queries.jsonl", json.dumps(query))
    write(place / "checkouts" / "mail" / "src" / "mail.py", SOURCE)
    write(place / "checkouts" / "mail" / "src" / "other.py", "def add(a, b):\n    return a + b\n")
    for name, task in (("words", "NL2Code"), ("prose", "Code2NL")):
        passages = [{"_id": "d1", "text": SOURCE, "language": "python"}, {"_id": "d2", "text": "x = 1"}]
        write(place / "sets" / name / "corpus.jsonl", "\n".join(map(json.dumps, passages)))
        write(place / "sets" / name / "queries.jsonl", json.dumps({"_id": "q1", "text": "send a letter"}))
        write(place / "sets" / name / "qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n")
        write(place / "sets" / name / "meta.json", json.dumps({"task": task}))
    return place


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def evaluate(place: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CODEKIN_")}
    environment |= {"CODEKIN_CACHE_DIRECTORY": str(place / "cache"), "CODEKIN_CONFIG": str(place / "config.toml")}
    command = [CODEKIN, "evaluate", *words]
    completed = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert completed.returncode == status, completed.stderr
    return completed


def document(completed: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return dict(json.loads(completed.stdout))


def test_repositories_give_a_table_and_its_signature(place: Path) -> None:
    lines = evaluate(place, "--repos", "bench", "--checkouts", "checkouts").stdout.splitlines()
    assert lines[2].startswith("| mail | 2 | 1 | 1.000 | 1.000 | – | – | 0 | 0 |")
    assert lines[3].startswith("| **all** | 2 | 1 | 1.000 |")
    assert all(
        word in lines[5] for word in ("codekin 0", "fingerprint", "1 questions, 1 repositories", "1 without Git")
    )
    assert not (place / "cache").exists()


def test_json_has_each_question_s_ranks(place: Path) -> None:
    output = document(evaluate(place, "--repos", "bench", "--checkouts", "checkouts", "--json"))
    check_documented("evaluate --repos", output)
    (question,) = output["questions"]
    assert question["targets"] == [{"at": "src/mail.py", "rank": 1}]
    assert question["found"][0] == "src/mail.py:1-4"
    assert output["signature"]["revisions"] == "1 without Git"


def test_every_set_of_a_folder_is_measured_and_codekin_where_it_answers(place: Path) -> None:
    output = document(evaluate(place, "--sets", "sets", "--json"))
    check_documented("evaluate", output)
    rows = output["rows"]
    ways = ["bm25", "codekin-static", "codekin-static+bm25"]
    assert [row["model"] for row in rows if row["set"] == "prose"] == ways
    assert [row["model"] for row in rows if row["set"] == "words"] == [*ways, "codekin search (codekin-static)"]
    assert all(row["ndcg10"] == 1 for row in rows)


def test_sets_may_be_named_one_after_the_other_with_a_model(place: Path) -> None:
    words = ("--model", "embedded", "--dim", "64", "--set", "sets/words", "sets/prose", "--set", "sets/words", "--json")
    rows = document(evaluate(place, *words))["rows"]
    assert {row["set"] for row in rows} == {"words", "prose"}
    assert "dim 64" in rows[1]["signature"]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ((), "--repos BENCH"),
        (("--repos", "bench"), "--checkouts DIR"),
        (("--repos", "bench", "--checkouts", "sets"), "git clone https://github.com/o/mail"),
        (("--repos", "sets", "--checkouts", "checkouts"), "needs repos.json and queries.jsonl"),
        (("--repos", "bench", "--sets", "sets"), "Choose one"),
        (("--repos", "bench", "--checkouts", "checkouts", "--model", "a", "--model", "b"), "a single --model"),
        (("--sets", "bench"), "meta.json"),
        (("--set", "bench"), "qrels.tsv"),
        (("--sets", "sets", "--model", "nope"), "embedded"),
        (("--sets", "sets", "--model", "bench"), "config.json"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
def test_what_can_t_be_measured_names_the_remedy(place: Path, words: tuple[str, ...], remedy: str) -> None:
    completed = evaluate(place, *words, status=2)
    assert remedy in completed.stderr
    assert "Traceback" not in completed.stderr


@pytest.fixture(scope="module")
def code_base(place: Path) -> Path:
    """A Git work tree of functions that go on alike, whose last commit added two."""
    root = place / "shop"
    for number in range(5):
        write(root / f"file{number}.py", "\n\n".join(TOTALS.replace("NAME", f"n{number}{i}") for i in range(4)))
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    for addition in ("", "\n\n" + TOTALS.replace("NAME", "new")):
        with (root / "file0.py").open("a", encoding="utf-8") as stream:
            stream.write(addition)
        subprocess.run(["git", "add", "."], cwd=root, check=True)
        subprocess.run(["git", *identity, "commit", "-q", "-m", "add"], cwd=root, check=True)
    return root


TOTALS = """def NAME_total(items, tax_rate):
    total = 0
    for item in items:
        price = item.price * item.quantity
        total += price * (1 + tax_rate)
    return round(total, 2)


def NAME_names(items):
    names = []
    for item in items:
        names.append(item.name.strip().lower())
    return sorted(names)
"""


def test_completion_at_statements_says_what_readme_says(place: Path, code_base: Path) -> None:
    arguments = ("completion", "--root", str(code_base), "--cuts", "3", "--json")
    check_documented("evaluate completion", document(evaluate(place, *arguments)))


def test_completion_is_measured_within_lines(place: Path, code_base: Path) -> None:
    arguments = ("completion", "--root", str(code_base), "--at", "lines", "--cuts", "10")
    output = document(evaluate(place, *arguments, "--json"))
    check_documented("evaluate completion --at lines", output)
    (measured,) = output["repositories"]
    assert measured["name"] == "shop"
    assert len(measured["cuts"]) == 10
    assert sum(cut["is_exact"] for cut in measured["cuts"]) >= 5  # each line stands nineteen times more
    assert "| shop |" in evaluate(place, *arguments).stdout


def test_completion_is_measured_at_kinds_of_places(place: Path, code_base: Path) -> None:
    arguments = ("completion", "--root", str(code_base), "--at", "kinds", "--cuts", "2")
    output = document(evaluate(place, *arguments, "--json"))
    check_documented("evaluate completion --at kinds", output)
    (measured,) = output["repositories"]
    systems = [cut["system"] for cut in measured["cuts"]]
    assert {systems.count(system) for system in systems} == {len(systems) // 4}
    assert "| after a signature |" in evaluate(place, *arguments).stdout


def test_typing_is_measured_at_the_keys_of_the_last_commits(place: Path, code_base: Path) -> None:
    arguments = ("completion", "--root", str(code_base), "--at", "keys", "--cuts", "1")
    output = document(evaluate(place, *arguments, "--json"))
    check_documented("evaluate completion --at keys", output)
    (measured,) = output["repositories"]
    assert measured["name"] == "shop"
    assert 0 < measured["keys"] < measured["characters"]
    assert "| shop |" in evaluate(place, *arguments).stdout


@pytest.mark.parametrize("cuts", ["statements", "lines"])
def test_a_code_base_with_nothing_to_cut_is_an_error_with_a_remedy(place: Path, cuts: str) -> None:
    write(place / "tiny" / "a.py", "x = 1\n")
    completed = evaluate(place, "completion", "--root", str(place / "tiny"), "--at", cuts, status=2)
    assert "Name a larger code base" in completed.stderr
