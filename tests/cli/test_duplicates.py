"""What `codekin duplicates` lists."""

import json
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from ..shop import write_files
from .command import CODEKIN, REPOSITORY, Codekin

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


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", folder, *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "A commit")


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
    laxer = ("--min-lines", "1")
    done = shop("duplicates", "--root", shop.folder, "--language", "go", "--no-tests", "--kinship", "renamed", *laxer)
    assert "Try without --language or --no-tests or --kinship." in " ".join(done.stderr.split())
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


@needs_git
class TestBaseRevision:
    """What a gate in continuous integration asks: only what is new."""

    @pytest.fixture
    def branch(self, shop: Codekin) -> Codekin:
        git(shop.folder, "init", "-q", "-b", "main")
        commit(shop.folder)
        git(shop.folder, "switch", "-q", "-c", "topic")
        return shop

    def test_without_a_change_there_is_nothing_and_the_gate_is_open(self, branch: Codekin):
        assert names(branch, "--base-ref", "main", status=1) == []
        assert names(branch, "--base-ref", "main", "--fail-on-new", status=0) == []

    def test_a_planted_clone_closes_the_gate(self, branch: Codekin):
        (branch.folder / "src" / "three.py").write_text(ON_DAY.format("from_day"))
        commit(branch.folder)
        answer = branch.json("duplicates", "--root", branch.folder, "--base-ref", "main", "--fail-on-new", status=1)
        (group,) = answer["duplicates"]
        assert group["new"]
        assert [each["state"] for each in group["functions"]] == ["unchanged", "new", "unchanged"]
        done = branch("duplicates", "--root", branch.folder, "--base-ref", "main")
        assert done.stdout.startswith("New: 3 functions, renamed")
        assert f"{Path('src/three.py')}:1: from_day (same structure, another name), new\n" in done.stdout
        sarif = json.loads(branch("duplicates", "--base-ref", "main", "--format", "sarif").stdout)
        (result,) = sarif["runs"][0]["results"]
        assert result["level"] == "warning"
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/three.py"

    def test_what_is_not_committed_counts_too(self, branch: Codekin):
        (branch.folder / "src" / "three.py").write_text(ON_DAY.format("from_day"))
        assert len(names(branch, "--base-ref", "HEAD", "--fail-on-new", status=1)) == 1

    def test_a_function_that_moves_is_not_new(self, branch: Codekin):
        git(branch.folder, "mv", "src/two.py", "src/elsewhere.py")
        assert names(branch, "--base-ref", "main", "--fail-on-new") == []

    def test_an_edit_of_an_old_clone_is_listed_but_not_new(self, branch: Codekin):
        text = FILES["src/two.py"].replace("found.append(each)", "found.append(each.copy())")
        (branch.folder / "src" / "two.py").write_text(text)
        assert names(branch, "--base-ref", "main", "--fail-on-new") == [DAYS]

    def test_what_changed_on_the_base_meanwhile_is_not_ours(self, branch: Codekin):
        git(branch.folder, "switch", "-q", "main")
        (branch.folder / "src" / "one.py").write_text("")
        commit(branch.folder)
        git(branch.folder, "switch", "-q", "topic")
        assert names(branch, "--base-ref", "main", "--fail-on-new") == []

    def test_one_of_several_copies_that_was_fixed_alone_is_drift(self, branch: Codekin):
        text = FILES["src/sums.py"].replace("item.price * item", "(item.price - item.discount) * item")
        (branch.folder / "src" / "sums.py").write_text(text)
        answer = branch.json("duplicates", "--root", branch.folder, "--base-ref", "main")
        (drift,) = answer["drift"]
        assert [each["path"] for each in drift["changed"]] == ["src/sums.py"]
        assert [each["path"] for each in drift["unchanged"]] == ["lib/sums.py"]
        told = branch("duplicates", "--root", branch.folder, "--base-ref", "main").stdout.splitlines()[-1]
        assert told.startswith("Drift: ")
        assert "1 of 2 functions that were identical were changed; unchanged: " in told

    def test_drift_alone_is_a_finding(self, branch: Codekin):
        first_line = next(line for line in FILES["src/sums.py"].splitlines() if line.startswith("def "))
        (branch.folder / "src" / "sums.py").write_text(f"{first_line}\n" + "    raise NotImplementedError\n" * 6)
        done = branch("duplicates", "--root", branch.folder, "--base-ref", "main", "--path", "src/sums.py")
        assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["Drift"]
        assert done.returncode == 0

    def test_line_ends_that_git_converts_change_nothing(self, branch: Codekin):
        for path in ("src/one.py", "lib/sums.py"):
            (branch.folder / path).write_bytes(FILES[path].replace("\n", "\r\n").encode())
        assert names(branch, "--base-ref", "main", "--fail-on-new") == []

    @pytest.mark.parametrize("reference", ["nowhere", "--upload-pack=touch", "main:src"])
    def test_a_revision_that_is_none_is_told(self, branch: Codekin, reference: str):
        done = branch("duplicates", f"--base-ref={reference}")
        assert done.returncode == 2
        assert f"no revision {reference}" in done.stderr

    def test_a_hostile_repository_runs_nothing(self, branch: Codekin, tmp_path: Path):
        trap = tmp_path / "trap"
        trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
        trap.chmod(0o700)
        programs = ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "diff.evil.textconv")
        for key in (*programs, "filter.evil.clean", "filter.evil.smudge", "remote.origin.uploadpack"):
            git(branch.folder, "config", key, str(trap))
        for key, value in {
            "core.hooksPath": str(tmp_path),
            "remote.origin.url": f"ext::{trap}",
            "remote.origin.promisor": "true",
            "protocol.ext.allow": "always",
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
        }.items():
            git(branch.folder, "config", key, value)
        (branch.folder / ".gitattributes").write_text("* filter=evil diff=evil\n")
        (branch.folder / "src" / "three.py").write_text(ON_DAY.format("from_day"))
        blob = git(branch.folder, "rev-parse", "main:src/one.py").strip()
        (branch.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()  # as in a partial clone
        (branch.folder / "src" / "one.py").write_text(ON_DAY.format("on_one_day"))
        assert len(names(branch, "--base-ref", "main", "--fail-on-new", status=1)) == 1
        assert not (tmp_path / "sprung").exists()

    def test_the_gate_needs_a_base(self, shop: Codekin):
        assert "--base-ref" in shop("duplicates", "--fail-on-new").stderr

    def test_the_action_runs_the_gate_and_the_hook_names_a_command_that_is_there(self, branch: Codekin, tmp_path: Path):
        action = (REPOSITORY / ".github" / "actions" / "duplicates" / "action.yml").read_text("utf-8")
        script = textwrap.dedent(action.rpartition("run: |\n")[2])
        options = {"BASE_REF": "main", "ROOT": ".", "OPTIONS": "--no-tests", "SARIF": str(tmp_path / "log.sarif")}
        environment = branch.environment | options | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        environment["PATH"] = f"{Path(CODEKIN).parent}{os.pathsep}{environment['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]  # as GitHub runs `shell: bash`
        for text, status in (("", 0), (ON_DAY.format("from_day"), 1)):
            (branch.folder / "src" / "three.py").write_text(text)
            done = subprocess.run(command, cwd=branch.folder, env=environment, capture_output=True, check=False)
            assert done.returncode == status, done.stderr
        assert "three.py" in (tmp_path / "summary.md").read_text()
        assert json.loads((tmp_path / "log.sarif").read_text())["runs"][0]["results"]
        hook = (REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8")
        (entry,) = re.findall(r"entry: codekin (.*)", hook)
        assert branch(*entry.split()).returncode == 1
