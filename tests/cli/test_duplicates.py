"""What `codekin duplicates` lists."""

import json
import subprocess
from pathlib import Path

import pytest

from ..shop import write_files
from .command import CODEKIN, Codekin

ON_DAY = """def {}(day, entries):
    found = []
    for each in entries:
        if each.day == day:
            found.append(each)
    return found
"""
SUM_UP = """def {}(orders):
    total = 0
    for order in orders:
        for item in order.items:
            if item.is_paid:
                total += item.price * item.count
            else:
                total += item.deposit
    return total
"""
FILES = {
    "src/one.py": ON_DAY.format("on_day"),
    "src/two.py": ON_DAY.format("at_day"),
    "src/sums.py": SUM_UP.format("sum_up"),
    "lib/sums.py": SUM_UP.format("sum_up"),
    "tests/test_sums.py": SUM_UP.format("sum_up_by_hand"),
    "deploy/Dockerfile": "FROM scratch\n",
}
SARIF_LEVELS = ("none", "note", "warning", "error")


@pytest.fixture
def shop(tmp_path: Path) -> Codekin:
    return Codekin(tmp_path / "cache", write_files(tmp_path / "project", FILES))


def names(shop: Codekin, *options: str | Path, status: int = 0) -> list[list[str]]:
    groups = shop.json("duplicates", "--root", shop.folder, *options, status=status)["duplicates"]
    return [[f"{each['path']}::{each['name']}" for each in group["functions"]] for group in groups]


SUMS = ["lib/sums.py::sum_up", "src/sums.py::sum_up", "tests/test_sums.py::sum_up_by_hand"]
DAYS = ["src/one.py::on_day", "src/two.py::at_day"]


def test_lists_groups_those_first_whose_removal_saves_most(shop: Codekin):
    answer = shop.json("duplicates", "--root", shop.folder)
    sums, days = answer["duplicates"]
    assert [f"{each['path']}::{each['name']}" for each in sums["functions"]] == SUMS
    assert (sums["saved_lines"], sums["kinship"]) == (18, "renamed")
    assert [each["kinship"] for each in sums["functions"]] == [None, "identical", "renamed"]
    assert (days["saved_lines"], days["kinship"], days["why"]) == (6, "renamed", "same structure, another name")
    first = days["functions"][0]
    assert (first["line"], first["start_line"], first["end_line"]) == (1, 1, 6)
    assert answer["compared"] == 5
    assert answer["not_compared"] == [{"language": "dockerfile", "files": 1}]


def test_as_text_each_function_is_a_place_that_can_be_followed(shop: Codekin):
    done = shop("duplicates", "--root", shop.folder)
    assert done.stdout.splitlines() == [
        "3 functions, renamed: one of them would save 18 lines",
        f"  {Path('lib/sums.py')}:1: sum_up",
        f"  {Path('src/sums.py')}:1: sum_up (identical text)",
        f"  {Path('tests/test_sums.py')}:1: sum_up_by_hand (same structure, another name)",
        "",
        "2 functions, renamed: one of them would save 6 lines",
        f"  {Path('src/one.py')}:1: on_day",
        f"  {Path('src/two.py')}:1: at_day (same structure, another name)",
    ]
    assert done.stderr == "Not compared, for want of a grammar: 1 file (dockerfile 1).\n"


def test_options_limit_what_is_compared_and_what_is_listed(shop: Codekin):
    assert names(shop, "-k", "1") == [SUMS]
    assert names(shop, "--path", "lib") == [SUMS]
    assert names(shop, "--path", "src/one.py") == [DAYS]
    assert names(shop, "--not", "lib/", "--not", "two.py") == [SUMS[1:]]
    assert names(shop, "--no-tests") == [SUMS[:2], DAYS]
    assert names(shop, "--tests", status=1) == []
    assert names(shop, "--min-lines", "7") == [SUMS]
    assert names(shop, "--kinship", "identical") == [SUMS[:2]]
    assert names(shop, "--language", "go", status=1) == []
    assert "no file or folder nowhere" in shop("duplicates", "--root", shop.folder, "--path", "nowhere").stderr


def test_functions_that_are_meant_to_be_alike_are_left_out(shop: Codekin):
    entries = [["src/two.py::at_day", "src/one.py::on_day"], SUMS[:2]]
    text = "".join(f"[[ignored]]\nfunctions = {json.dumps(entry)}\n" for entry in entries)
    (shop.folder / ".codekin.toml").write_text(f"{text}[model]\n")
    assert names(shop) == [SUMS]  # the third one is like both
    done = shop("duplicates", "--root", shop.folder, "--no-tests")
    assert done.returncode == 1
    assert "line 5: there is no 'model' here" in done.stderr
    assert f"No duplicated functions of 5 lines or more in {shop.folder}." in " ".join(done.stderr.split())


def test_a_long_function_is_compared_as_a_whole(tmp_path: Path):
    steps = "".join(f"    step_{i} = prepare_{i}(options, {i})\n    run_{i}(step_{i})\n" for i in range(60))
    files = {f"{name}.py": f"def set_up_{name}(options):\n{steps}    return options\n" for name in ("one", "two")}
    codekin = Codekin(tmp_path / "cache", write_files(tmp_path / "project", files))
    (group,) = codekin.json("duplicates", "--root", codekin.folder)["duplicates"]
    assert [(each["name"], each["start_line"], each["end_line"]) for each in group["functions"]] == [
        ("set_up_one", 1, 122),
        ("set_up_two", 1, 122),
    ]


def test_sarif_has_what_the_standard_requires_and_points_at_real_lines(shop: Codekin):
    log = json.loads(shop("duplicates", "--root", shop.folder, "--format", "sarif").stdout)
    assert (log["version"], "$schema" in log) == ("2.1.0", True)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["tool"]["driver"]["name"] == "codekin"
    assert len(run["results"]) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in SARIF_LEVELS
        assert result["message"]["text"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        for location in (*result["locations"], *result["relatedLocations"]):
            place = location["physicalLocation"]
            lines = (shop.folder / place["artifactLocation"]["uri"]).read_text().splitlines()
            assert 1 <= place["region"]["startLine"] <= place["region"]["endLine"] <= len(lines)
            assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert [location["id"] for location in result["relatedLocations"]] == list(
            range(len(result["relatedLocations"]))
        )


def test_markdown_is_a_list_per_group(shop: Codekin):
    lines = shop("duplicates", "--root", shop.folder, "--format", "markdown").stdout.splitlines()
    assert lines[0] == "#### 3 functions, renamed: one of them would save 18 lines"
    assert lines[2] == r"- lib/sums.py:1 sum\_up"


def test_a_reader_that_leaves_early_is_no_error(shop: Codekin):
    shop.json("index", shop.folder)
    with subprocess.Popen(
        [CODEKIN, "duplicates", "--root", shop.folder], env=shop.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Error" not in process.stderr.read()
    assert process.returncode == 0
