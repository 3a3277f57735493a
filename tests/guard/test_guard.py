"""The guard: new functions of a proposal that stand elsewhere are named; anything else is let through in silence."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.guard.proposals import read_proposals

from ..agents.conftest import CODEKIN, FILES, NEW_FUNCTION, RENAMED_COPY, AgentProcess, write_files

COUNT_WORDS = FILES["src/words.py"]


def make_diff(path: str, old: str, new: str) -> str:
    """A unified diff that replaces a whole file."""
    old_lines = [f"-{line}" for line in old.splitlines()]
    new_lines = [f"+{line}" for line in new.splitlines()]
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{len(old_lines)} +1,{len(new_lines)} @@\n"
    return head + "\n".join([*old_lines, *new_lines]) + "\n"


def commit_all(root: Path) -> None:
    """Make a repository of a folder."""
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)


class GuardCommand:
    """Runs `codekin guard` in a workspace."""

    def __init__(self, codekin_mcp: AgentProcess, root: Path) -> None:
        self._environment = codekin_mcp.environment
        self.root = root

    def run(self, source: str, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run the command on a proposal."""
        return subprocess.run(
            [CODEKIN, "guard", *arguments],
            cwd=cwd or self.root, env=self._environment, input=source, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def guard(tmp_path: Path) -> GuardCommand:
    """The command on a workspace that it indexes itself."""
    return GuardCommand(AgentProcess(tmp_path), write_files(tmp_path / "project"))


TWIN_LINE = "`tally` (new) does what `src/words.py:1 count_words` does: renamed, "


def make_hook_document(agent: str, folder: str, path: str, code: str) -> dict[str, Any]:
    """What an agent's hook gets after a file was written, as its documentation has it."""
    patch = "*** Begin Patch\n*** Add File: new.py\n" + "".join(f"+{line}\n" for line in code.splitlines())
    copilot = {"sessionId": "s", "timestamp": 1, "cwd": folder, "toolResult": {"resultType": "success"}}
    tool_info = {"file_path": path, "edits": [{"old_string": "", "new_string": code}]}
    return {
        "codex": {
            "hook_event_name": "PostToolUse", "cwd": folder, "tool_name": "apply_patch",
            "tool_input": {"command": patch + "*** End Patch"}, "tool_response": "Done!",
        },
        "copilot": copilot | {"toolName": "create", "toolArgs": json.dumps({"path": path, "file_text": code})},
        "copilot patch": copilot | {"toolName": "apply_patch", "toolArgs": patch},
        "windsurf": {"agent_action_name": "post_write_code", "tool_info": tool_info},
        "opencode": {
            "hook_event_name": "tool.execute.after", "cwd": folder, "tool_input": {"filePath": path, "content": code},
        },
    }[agent]  # fmt: skip


@pytest.mark.parametrize(("text", "beginning"), [("", "it is empty"), ('{"tool', "'{\"tool'"), ("[1]", "'[1]'")])
def test_what_is_no_json_of_a_hook_is_said_and_refuses_nothing(guard: GuardCommand, text: str, beginning: str):
    done = guard.run(text, "--hook", "claude")
    assert (done.returncode, done.stdout) == (1, "")
    assert beginning in done.stderr
    assert "leave out --hook" in done.stderr


@pytest.mark.parametrize("document", [{}, {"hook_event_name": "Stop"}, {"tool_input": {"command": "ls"}}])
def test_a_hook_that_writes_nothing_is_answered_with_nothing(guard: GuardCommand, document: dict[str, Any]):
    done = guard.run(json.dumps(document), "--hook", "claude")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "{}", "")


def read_advice(agent: str, done: "subprocess.CompletedProcess[str]") -> str:
    """What the agent is told by this answer."""
    if agent == "windsurf":  # tells its agent the standard error of a hook that ends with 2
        return done.stderr if done.returncode == 2 and not done.stdout else ""
    answer = json.loads(done.stdout)
    if agent == "codex":
        assert answer["hookSpecificOutput"]["hookEventName"] == "PostToolUse"
        return str(answer["hookSpecificOutput"]["additionalContext"])
    return str(answer["additionalContext"])


class TestCommand:
    @pytest.mark.parametrize("shape", ["hook", "edit", "diff", "file"])
    def test_a_new_function_that_stands_elsewhere_is_named(self, guard: GuardCommand, shape: str):
        write = {"file_path": str(guard.root / "src/new.py"), "content": RENAMED_COPY}
        edit = {"file_path": "src/dates.py", "old_string": "x", "new_string": RENAMED_COPY}
        source, arguments = {
            "hook": (json.dumps({"tool_name": "Write", "tool_input": write}), []),
            "edit": (json.dumps({"tool_name": "Edit", "tool_input": edit}), []),
            "diff": (make_diff("src/new.py", "", RENAMED_COPY), []),
            "file": (RENAMED_COPY, ["--path", "src/new.py"]),
        }[shape]
        done = guard.run(source, *arguments)
        assert done.stdout.startswith(TWIN_LINE), done.stderr
        assert (done.returncode, done.stdout.count("\n")) == (0, 1)
        assert guard.run(source, "--strict", *arguments).returncode == 1

    def test_what_is_new_moved_or_only_edited_passes_in_silence(self, guard: GuardCommand):
        edited = COUNT_WORDS.replace("counts = {}", "counts = dict()")
        moved = make_diff("src/words.py", COUNT_WORDS, "") + make_diff("src/moved.py", "", COUNT_WORDS)
        for source, arguments in (
            (NEW_FUNCTION, ["--path", "src/new.py"]),
            (edited, ["--path", "src/words.py"]),
            (json.dumps({"tool_input": {"file_path": "src/words.py", "new_string": edited}}), []),
            (moved, []),
            ("", []),
            (json.dumps({"tool_name": "Bash", "tool_input": {"command": "ls"}}), []),
        ):
            done = guard.run(source, "--strict", *arguments)
            assert (done.stdout, done.returncode) == ("", 0), source

    def test_a_hook_gets_its_answer_in_its_own_form(self, guard: GuardCommand):
        write = {"file_path": "src/new.py", "content": RENAMED_COPY}
        answer = json.loads(guard.run(json.dumps({"tool_input": write}), "--hook", "claude").stdout)
        output = answer["hookSpecificOutput"]
        assert output["hookEventName"] == "PreToolUse"
        assert TWIN_LINE in output["additionalContext"]
        nothing = {"file_path": "src/new.py", "content": NEW_FUNCTION}
        assert json.loads(guard.run(json.dumps({"tool_input": nothing}), "--hook", "claude").stdout) == {}

    @pytest.mark.parametrize("hook", [["--hook", "claude"], ["--hook=gemini"], ["--hook", "nobody"]])
    def test_a_hook_that_fails_does_not_refuse_the_change(self, guard: GuardCommand, hook: list[str]):
        done = guard.run("neither JSON nor a diff", *hook)
        assert (done.stdout, done.returncode) == ("", 1)  # agents take 2 as a refusal
        assert "Error: " in done.stderr

    @pytest.mark.parametrize("agent", ["gemini", "cursor"])
    def test_a_hook_after_the_tool_compares_with_what_was_committed(self, guard: GuardCommand, agent: str):
        event = {"gemini": "AfterTool", "cursor": "postToolUse"}[agent]
        (guard.root / "src" / "old.py").write_text(RENAMED_COPY)
        commit_all(guard.root)
        (guard.root / "src" / "new.py").write_text(RENAMED_COPY.replace("tally", "tally_up"))
        advice = {}
        for name, code in (("old.py", RENAMED_COPY), ("new.py", RENAMED_COPY.replace("tally", "tally_up"))):
            tool_input = {"file_path": str(guard.root / "src" / name), "content": code}
            document = {"hook_event_name": event, "tool_name": "write_file", "tool_input": tool_input}
            answer = json.loads(guard.run(json.dumps(document), "--hook", agent).stdout)
            output = answer.get("hookSpecificOutput", {})
            assert output.get("hookEventName", event) == event
            advice[name] = output.get("additionalContext", "") + answer.get("additional_context", "")
        assert advice["old.py"] == ""  # it stood there before
        assert "`tally_up` (new) does what `src/" in advice["new.py"]

    @pytest.mark.parametrize("agent", ["codex", "copilot", "copilot patch", "windsurf", "opencode"])
    def test_what_agents_send_after_writing_is_answered_in_their_form(self, guard: GuardCommand, agent: str):
        (guard.root / "src" / "new.py").write_text(RENAMED_COPY)
        commit_all(guard.root)  # so that only a new name is a new function
        folder, code = str(guard.root / "src"), RENAMED_COPY.replace("tally", "tally_up")
        (guard.root / "src" / "new.py").write_text(code)
        path = str(guard.root / "src" / "new.py")
        document = make_hook_document(agent, folder, path, code)
        done = guard.run(json.dumps(document), "--hook", agent.split()[0])
        assert TWIN_LINE.replace("tally", "tally_up") in read_advice(agent.split()[0], done)
        former = make_hook_document(agent, folder, path, NEW_FUNCTION)
        done = guard.run(json.dumps(former), "--hook", agent.split()[0])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == ("" if agent == "windsurf" else "{}\n")

    def test_a_hook_about_nothing_that_is_written_is_answered_with_an_empty_object(self, guard: GuardCommand):
        document = {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}}
        assert guard.run(json.dumps(document), "--hook", "codex").stdout == "{}\n"  # Codex wants JSON

    def test_paths_are_relative_to_the_folder_where_they_were_named(self, guard: GuardCommand):
        done = guard.run(COUNT_WORDS, "--path", "words.py", "--json", cwd=guard.root / "src")
        assert json.loads(done.stdout)["findings"] == []  # it is the file itself
        patch = "*** Begin Patch\n*** Update File: words.py\n@@\n" + "\n".join(
            f"+{line}" for line in COUNT_WORDS.splitlines()
        )
        document = {"cwd": str(guard.root / "src"), "tool_input": {"command": patch}}
        assert guard.run(json.dumps(document)).stdout == ""

    def test_json_has_the_place(self, guard: GuardCommand):
        (finding,) = json.loads(guard.run(RENAMED_COPY, "--path", "a.py", "--json").stdout)["findings"]
        assert finding["twin"] == {"path": "src/words.py", "line": 1, "name": "count_words"}
        assert (finding["path"], finding["name"], finding["kinship"]) == ("a.py", "tally", "renamed")

    def test_without_a_language_the_remedy_is_named(self, guard: GuardCommand):
        done = guard.run(RENAMED_COPY)
        assert done.returncode == 2
        assert "--path FILE or --language L" in done.stderr


class TestProposals:
    def test_quoted_paths_of_git_are_read(self):
        (proposal,) = read_proposals('--- /dev/null\n+++ "b/a\\303\\244 b.py"\n@@ -0,0 +1 @@\n+x\n')
        assert proposal.path == Path("aä b.py")
        assert (proposal.text, proposal.added_rows) == ("x", frozenset({0}))

    @pytest.mark.parametrize(
        ("header", "path"),
        [
            ('"b/\u00e4 \\"x\\".py"', '\u00e4 "x".py'),  # with core.quotePath=false
            ('"b/\\a\\b\\t\\n\\v\\f\\r\\\\.py"', "\a\b\t\n\v\f\r\\.py"),
            ("w/src/a.py", "src/a.py"),  # with diff.mnemonicPrefix
            ("src/a.py", "src/a.py"),  # with --no-prefix
            ("b/\u00e4.py\t", "\u00e4.py"),
        ],
    )
    def test_every_form_of_a_path_is_read(self, header: str, path: str):
        (proposal,) = read_proposals(f"--- a/x\n+++ {header}\n@@ -0,0 +1 @@\n+x\n")
        assert proposal.path == Path(path)

    def test_a_patch_of_a_tool_is_read(self):
        patch = "*** Begin Patch\n*** Add File: a.py\n+def f():\n+    return 1\n*** End Patch\n"
        (proposal,) = read_proposals(json.dumps({"tool_name": "apply_patch", "tool_input": {"input": patch}}))
        assert (proposal.path, proposal.text) == (Path("a.py"), "def f():\n    return 1")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda children: (
                st.lists(children, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["tool_input", "edits", "file_path", "content", "new_string", "patch"]), children
                )
            ),
            max_leaves=12,
        )
    )
    def test_any_json_is_read(self, document: Any):
        for proposal in read_proposals(json.dumps(document)):
            assert isinstance(proposal.text, str)

    @given(st.lists(st.sampled_from(["--- a/x", "+++ b/x.py", "@@ -1 +1 @@", "+a", "-b", " c", "", "diff --git a b"])))
    def test_any_diff_is_read(self, lines: list[str]):
        for proposal in read_proposals("--- a/x\n" + "\n".join(lines)):
            assert all(0 <= row <= proposal.text.count("\n") for row in proposal.added_rows or ())
