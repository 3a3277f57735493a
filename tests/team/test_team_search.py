"""What users and agents are answered from the team's index beside their own, and what is sent for it."""

import threading
from pathlib import Path

from codekin.agents.tool_calls import ToolCaller
from codekin.agents.workspace_paths import WorkspacePaths
from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.rate_limit import RateLimit
from codekin.types import Filter, Kinship

from .clones import KEYRING, git
from .memory_index import MemoryIndex
from .served_gateway import ANN, BOB, OPEN, TAX, Served, open_engine


class TestAsking:
    def test_each_user_finds_what_she_may_read_marked_with_its_repository(
        self, served: Served, root: Path, tmp_path: Path
    ):
        for token, is_reader in ((ANN, True), (BOB, False)):
            engine = open_engine(root, tmp_path, served.url, token)
            answer = engine.search("ignite the engine of a rocket", 5, hit_filter=Filter(team=True))
            repositories = [hit.team.repository for hit in answer.hits if hit.team]
            assert ("space" in repositories) is is_reader
            assert repositories[:1] == (["space"] if is_reader else repositories[:1])
            assert answer.team_problem == ""
            engine.close()

    def test_a_hit_has_the_forge_s_page_and_the_text_of_a_local_clone(
        self, served: Served, root: Path, clones: Path, tmp_path: Path
    ):
        engine = open_engine(root, tmp_path, served.url, BOB, (str(clones),))
        (hit,) = engine.search("add the sales tax to a price", 5, hit_filter=Filter(team=True)).hits
        assert hit.team is not None
        assert hit.team.is_cloned
        assert hit.place.path == clones / "shop" / "src" / "tax.py"
        assert hit.text == TAX.rstrip("\n")
        head = git(clones / "shop", "rev-parse", "HEAD")
        assert hit.team.link == f"https://git.example.com/company/shop/blob/{head}/src/tax.py#L1-L4"
        engine.close()
        engine = open_engine(root, tmp_path, served.url, BOB)
        (hit,) = engine.search("add the sales tax to a price", 5, hit_filter=Filter(team=True)).hits
        assert (hit.team.is_cloned, hit.text) == (False, "")  # type: ignore[union-attr]
        engine.close()

    def test_code_finds_its_equal_and_its_kin_elsewhere(self, served: Served, root: Path, clones: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, ANN, (str(clones),))
        (hit, *_) = engine.find_similar_to_code(TAX, 5, language="python", hit_filter=Filter(team=True)).hits
        assert (hit.kinship, hit.score) == (Kinship.IDENTICAL, 1.0)
        renamed = TAX.replace("tax", "levy").replace("price", "cost")
        (hit, *_) = engine.find_similar_to_code(renamed, 5, language="python", hit_filter=Filter(team=True)).hits
        assert hit.kinship is Kinship.RENAMED
        (existence,) = engine.find_existing_code(TAX, language="python", hit_filter=Filter(team=True))
        assert existence.verdict == "yes"
        engine.close()

    def test_agents_are_told_what_other_repositories_have(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, BOB)
        caller = ToolCaller(engine, WorkspacePaths([root]), threading.Event(), lambda _: None)
        answer = caller.call_tool("search", {"query": "add the sales tax to a price"})
        assert answer.text.startswith("in shop: src/tax.py:1-4  function add_sales_tax")
        (hit,) = answer.document["hits"]
        assert (hit["repository"], hit["path"], hit["file"]) == ("shop", "src/tax.py", "")
        assert hit["link"] in answer.text
        (verdict,) = caller.call_tool("already_exists", {"code": TAX}).document["functions"]
        assert [match["repository"] for match in verdict["matches"][:1]] == ["shop"]
        similar = caller.call_tool("find_similar", {"code": TAX, "language": "python"}).document["hits"]
        assert [hit.get("repository") for hit in similar[:1]] == ["shop"]
        limited = caller.call_tool("search", {"query": "add the sales tax to a price", "path": "greet.py"})
        assert limited.document["hits"] == []
        engine.close()

    def test_agents_are_told_why_the_team_is_silent(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, "wrong")
        caller = ToolCaller(engine, WorkspacePaths([root]), threading.Event(), lambda _: None)
        for tool, arguments in (("search", {"query": "greet a person"}), ("find_similar", {"code": OPEN})):
            answer = caller.call_tool(tool, arguments)
            assert [hit["path"] for hit in answer.document["hits"]] == ["greet.py"]
            assert "Set team.token anew" in answer.text
        for arguments in ({"code": TAX}, {"description": "add the sales tax to a price"}):
            assert "Set team.token anew" in caller.call_tool("already_exists", arguments).text
        limited = caller.call_tool("search", {"query": "greet a person", "path": "greet.py"})
        assert limited.document["notes"] == []
        engine.close()

    def test_the_workspace_wins_for_what_is_open_here(self, served: Served, root: Path, tmp_path: Path):
        (root / "greet.py").write_text(OPEN.replace("hello", "good day to you,"))
        engine = open_engine(root, tmp_path, served.url, ANN)
        hits = engine.search("greet a person", 5, hit_filter=Filter(team=True)).hits
        assert [hit.team for hit in hits if hit.place.name == "greet"] == [None]
        engine.close()

    def test_nothing_is_asked_unless_it_is_wanted(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, ANN)
        assert engine.search("ignite the engine of a rocket", 5).hits == ()
        folder = Filter(folder=root, team=True)
        assert engine.search("ignite the engine of a rocket", 5, hit_filter=folder).hits == ()
        engine.close()

    def test_unpushed_code_is_not_sent(self, memory: MemoryIndex, access_file: Path, root: Path, tmp_path: Path):
        access = AccessFile(access_file)
        bodies: list[bytes] = []
        gateway = Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(1_000, 1_000))
        inner = gateway.application

        async def record(scope, receive, send):
            async def listen():
                message = await receive()
                bodies.append(message.get("body", b""))
                return message

            await inner(scope, listen, send)

        gateway.application = record  # type: ignore[assignment]
        served = Served(gateway)
        engine = open_engine(root, tmp_path, served.url, ANN)
        engine.find_similar_to_code("def unpushed_secret():\n    return 4711\n", 5, hit_filter=Filter(team=True))
        engine.close()
        served.stop()
        sent = b"".join(bodies)
        assert b'"hash"' in sent
        assert b"unpushed" not in sent
        assert b"4711" not in sent
