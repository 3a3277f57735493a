"""Installing into agents: exact, idempotent, and undone byte for byte; comments and order stay."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codekin.agents.install.catalogue import AGENTS, AgentFormat, Places
from codekin.agents.install.installer import Installer
from codekin.agents.install.json_text import read_value
from codekin.errors import QueryError

from .json_texts import JSON_TEXTS

pytest.importorskip("tomlkit", reason="the extra mcp is not installed")

WITH_COMMENTS = """// my settings
{
    "theme": "dark", // not light
    /* servers */
    "mcpServers": {
        "other": {"command": "other"}, // keep
    },
}
"""
TOML = """# mine
model = "o5"   # the best

[mcp_servers.other] # keep
command = "other"

[profiles.fast]
a = 1
"""

FAKE_GUARD = """
import json, sys
arguments, question = sys.argv[1:], json.load(sys.stdin)
assert arguments == ["guard", "--hook", "opencode"], arguments
is_new = question["tool_input"]["content"] == "new"
print(json.dumps({"additionalContext": "use " + question["tool_input"]["filePath"]} if is_new else {}))
"""
CALL_PLUGIN = """
const { CodekinGuard } = await import(process.argv[1])
const hooks = await CodekinGuard({ directory: process.argv[2] })
const outputs = []
for (const [tool, output, content] of [["write", "ok", "new"], ["read", "read\\n", "new"], ["edit", "ok", "old"]]) {
  const answer = { title: "", output, metadata: {} }
  await hooks["tool.execute.after"]({ tool, args: { filePath: "a.py", content } }, answer)
  outputs.push(answer.output)
}
console.log(JSON.stringify(outputs))
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A home in which nothing is installed."""
    (tmp_path / "home").mkdir()
    return Places(tmp_path / "home", tmp_path / "home" / ".config", ("/opt/my tools/codekin",))


@pytest.fixture
def installer(places: Places, tmp_path: Path) -> Installer:
    """An installer into that home."""
    return Installer(places, tmp_path / "state")


def read_tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def install(installer: Installer, agents: tuple[AgentFormat, ...] = AGENTS) -> None:
    installer.make_changes(installer.plan_installation(agents), is_installing=True)


def uninstall(installer: Installer, agents: tuple[AgentFormat, ...] = AGENTS) -> None:
    installer.make_changes(installer.plan_removal(agents), is_installing=False)


def find_agent(name: str) -> tuple[AgentFormat]:
    return (next(agent for agent in AGENTS if agent.name == name),)


class TestInstaller:
    def test_no_folder_is_left_that_was_made_for_a_file(self, installer: Installer, places: Places):
        (places.home / ".codex").mkdir()
        (places.home / ".config").mkdir()
        install(installer)
        (places.home / ".cursor" / "mine.json").write_text("{}")
        install(installer)
        uninstall(installer)
        left = {path.relative_to(places.home).as_posix() for path in places.home.rglob("*")}
        assert left == {".codex", ".config", ".cursor", ".cursor/mine.json"}
        assert not installer.state_folder.exists()

    @pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
    def test_each_agent_can_be_installed_once_and_removed(
        self, installer: Installer, places: Places, agent: AgentFormat
    ):
        assert not agent.is_here(places)
        install(installer, (agent,))
        assert agent.is_here(places)
        assert installer.plan_installation((agent,)) == []
        texts = read_tree(places.home)
        assert any(b"codekin" in text for text in texts.values())
        for name, text in texts.items():
            if name.endswith((".json", ".jsonc")):
                json.loads(text)
            elif name.endswith(".toml"):
                tomllib.loads(text.decode())
        uninstall(installer, (agent,))
        assert read_tree(places.home) == {}
        assert installer.plan_removal((agent,)) == []

    def test_files_with_comments_are_as_before_when_all_is_undone(self, installer: Installer, places: Places):
        files = {
            ".gemini/settings.json": WITH_COMMENTS,
            ".config/zed/settings.json": "{}",
            ".codex/config.toml": TOML,
            ".claude/CLAUDE.md": "# Mine\n\nAlways say please.",
            ".claude/settings.json": '{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": []}]}}',
            ".cursor/mcp.json": "",
            ".codex/hooks.json": '{"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": []}]}} // mine',
            ".codeium/windsurf/hooks.json": '{\n  "hooks": {}\n}',
            ".copilot/mcp-config.json": "{}\n",
            ".cursor/hooks.json": '{"version": 1, "hooks": {"stop": [{"command": "mine"}]}}',
        }
        for name, text in files.items():
            (places.home / name).parent.mkdir(parents=True, exist_ok=True)
            (places.home / name).write_text(text)
        before = read_tree(places.home)
        install(installer)
        after = read_tree(places.home)
        assert b"// not light" in after[".gemini/settings.json"]
        assert b'"other": {"command": "other"}, // keep' in after[".gemini/settings.json"]
        assert tomllib.loads(after[".codex/config.toml"].decode())["mcp_servers"].keys() == {"other", "codekin"}
        assert b"[mcp_servers.other] # keep" in after[".codex/config.toml"]
        hooks = json.loads(after[".claude/settings.json"])["hooks"]["PreToolUse"]
        assert [hook["matcher"] for hook in hooks] == ["Bash", "Write|Edit|MultiEdit"]
        assert hooks[1]["hooks"][0]["command"] == '"/opt/my tools/codekin" guard --hook claude'
        (hook,) = read_value(after[".gemini/settings.json"].decode(), ("hooks", "AfterTool")) or []
        assert hook["matcher"] == "write_file|replace"
        cursor = json.loads(after[".cursor/hooks.json"])
        assert (cursor["version"], cursor["hooks"]["stop"]) == (1, [{"command": "mine"}])
        assert cursor["hooks"]["postToolUse"][0]["command"].endswith("guard --hook cursor")
        codex = read_value(after[".codex/hooks.json"].decode(), ("hooks", "PostToolUse")) or []
        assert [hook["matcher"] for hook in codex] == ["Bash", "apply_patch|Edit|Write"]
        (windsurf,) = json.loads(after[".codeium/windsurf/hooks.json"])["hooks"]["post_write_code"]
        assert windsurf["command"].endswith("guard --hook windsurf")
        copilot = json.loads(after[".copilot/hooks/codekin.json"])
        assert (copilot["version"], copilot["hooks"]["postToolUse"][0]["type"]) == (1, "command")
        uninstall(installer)
        assert read_tree(places.home) == before

    @pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
    def test_the_plugin_for_opencode_adds_the_advice_to_the_tools_answer(self, tmp_path: Path):
        command = (sys.executable, "-c", FAKE_GUARD)
        home = Places(tmp_path / "home", tmp_path / "home" / ".config", command)
        install(Installer(home, tmp_path / "state"), find_agent("opencode"))
        plugin = home.home / ".config" / "opencode" / "plugins" / "codekin.js"
        done = subprocess.run(
            ["node", "--input-type=module", "-e", CALL_PLUGIN, plugin.as_uri(), str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert json.loads(done.stdout) == ["ok\n\nuse a.py", "read\n", "ok"], done.stderr

    def test_what_others_have_edited_since_stays(self, installer: Installer, places: Places):
        file = places.home / ".gemini" / "settings.json"
        file.parent.mkdir()
        file.write_text(WITH_COMMENTS)
        install(installer, find_agent("gemini"))
        file.write_text(file.read_text().replace('"dark"', '"light"'))
        uninstall(installer, find_agent("gemini"))
        assert file.read_text() == WITH_COMMENTS.replace('"dark"', '"light"')

    def test_a_file_that_can_t_be_read_as_what_it_is_stops_all(self, installer: Installer, places: Places):
        (places.home / ".codex").mkdir()
        (places.home / ".codex" / "config.toml").write_text("= broken")
        before = read_tree(places.home)
        with pytest.raises(QueryError, match=r"config\.toml can't be edited.*Nothing was changed"):
            install(installer)
        assert read_tree(places.home) == before

    def test_a_linked_file_stays_a_link_and_keeps_its_mode(self, installer: Installer, places: Places, tmp_path: Path):
        (tmp_path / "dotfiles").mkdir()
        target = tmp_path / "dotfiles" / "mcp.json"
        target.write_text("{}")
        target.chmod(0o640)
        (places.home / ".cursor").mkdir()
        (places.home / ".cursor" / "mcp.json").symlink_to(target)
        install(installer, find_agent("cursor"))
        assert (places.home / ".cursor" / "mcp.json").is_symlink()
        assert "codekin" in target.read_text()
        assert target.stat().st_mode & 0o777 == 0o640

    def test_a_file_that_changes_between_question_and_answer_is_not_overwritten(
        self, installer: Installer, places: Places
    ):
        changes = installer.plan_installation(find_agent("cursor"))
        (places.home / ".cursor").mkdir()
        (places.home / ".cursor" / "mcp.json").write_text("{}")
        with pytest.raises(QueryError, match="has changed meanwhile"):
            installer.make_changes(changes, is_installing=True)

    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_any_files_are_restored_byte_for_byte(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
        home = tmp_path_factory.mktemp("home")
        places = Places(home, home / ".config", ("codekin",))
        for name in (".claude.json", ".gemini/settings.json", ".codex/config.toml", ".claude/CLAUDE.md"):
            text = data.draw(st.one_of(st.none(), TEXTS[name.rpartition(".")[2]]))
            if text is not None:
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_bytes(text.encode())
        before = read_tree(home)
        installer = Installer(places, tmp_path_factory.mktemp("state"))
        install(installer)
        assert installer.plan_installation(AGENTS) == []
        uninstall(installer)
        assert read_tree(home) == before


TEXTS = {
    "json": JSON_TEXTS,
    "toml": st.sampled_from(["", TOML, "a = 1\n", "# only a comment", "[mcp_servers]\n\n[mcp_servers.x]\na = 'y'\n"]),
    "md": st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
}  # fmt: skip
