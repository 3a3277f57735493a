"""Ingesting clones: nothing is done twice, nothing is lost, and what is gone is gone."""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from codekin.code.lines import hash_content
from codekin.errors import TeamError
from codekin.team.catalogue import Catalogue
from codekin.team.repository_sets import RepositorySets
from codekin.team.session import check_index
from codekin.team.shared_index import SharedIndex, open_shared_index
from codekin.team.tables import BLOBS, FILES, SNIPPETS

from ..documented_json import check_documented
from .clones import KEYRING, SPACE, LocalWorkers, commit, git, ingest
from .memory_index import CutOffError, FailingIndex, MemoryIndex

ADD = "def add(left, right):\n    return left + right\n"
TAX = "def add_tax(price, rate):\n    total = price * rate\n    return price + total\n"
JOIN = "def join_names(names):\n    names = sorted(names)\n    return ', '.join(names)\n"


def content_id(text: str) -> str:
    """The id of a function's content."""
    return KEYRING.make_content_id(hash_content(text.rstrip("\n")))


def owners(index: SharedIndex, text: str) -> set[str]:
    """The repositories that a function's set names; none where the content is gone."""
    catalogue = Catalogue(index)
    names = {number: record.name for number, record in catalogue.list_repositories().items()}
    sets = RepositorySets(catalogue).list_sets()
    return {
        names[number]
        for set_id, members in sets.items()
        if content_id(text) in index.list_contents(SPACE, [set_id])
        for number in members
    }


def count_stored(index: SharedIndex) -> int:
    """The number of contents of all spaces: there is none but the embedded model's, whatever is installed."""
    spaces = Catalogue(index).list_spaces()
    assert spaces.keys() <= {SPACE}
    return sum(map(index.count_contents, spaces))


@pytest.fixture
def memory() -> MemoryIndex:
    return MemoryIndex()


class TestIngest:
    def test_each_engine_holds_what_repositories_have(self, index: SharedIndex, tmp_path: Path):
        commit(tmp_path / "shop", {"a.py": ADD, "src/tax.py": TAX, "vendor/x.py": JOIN, "README.bin": b"\0\1"})
        commit(tmp_path / "tools" / "names", {"b.py": JOIN, "copy.py": ADD})
        first = ingest(index, tmp_path)
        assert [(summary.repository, summary.embedded, summary.error) for summary in first] == [
            ("shop", 2, ""),
            ("tools/names", 1, ""),
        ]
        assert owners(index, ADD) == {"shop", "tools/names"}
        assert owners(index, TAX) == {"shop"}
        assert owners(index, JOIN) == {"tools/names"}
        catalogue = Catalogue(index)
        assert check_index(catalogue) == []
        records = catalogue.list_repositories()
        places = catalogue.locate([content_id(ADD), content_id(TAX)], records, 100)
        assert sorted((place.repository.name, place.path, place.name, place.start) for place in places) == [
            ("shop", "a.py", "add", 0),
            ("shop", "src/tax.py", "add_tax", 0),
            ("tools/names", "copy.py", "add", 0),
        ]

    def test_no_text_and_no_word_is_stored(self, memory: MemoryIndex, tmp_path: Path):
        commit(tmp_path / "shop", {"a.py": 'def f():\n    quintessence = "zebra unicorn"\n    return quintessence\n'})
        ingest(memory, tmp_path)
        assert "quintessence" not in repr(memory.tables) + repr(memory.spaces)
        assert "zebra" not in repr(memory.tables) + repr(memory.spaces)

    def test_the_second_run_does_nothing_and_a_change_costs_what_is_new(self, memory: MemoryIndex, tmp_path: Path):
        commit(tmp_path / "shop", {"a.py": ADD, "b.py": TAX})
        ingest(memory, tmp_path)
        workers = LocalWorkers()
        assert [summary.is_unchanged for summary in ingest(memory, tmp_path, workers)] == [True]
        commit(tmp_path / "shop", {"b.py": f"{TAX}\n\n{JOIN}", "moved/a.py": ADD, "a.py": None})
        (summary,) = ingest(memory, tmp_path, workers)
        assert workers.cut_paths == ["b.py"]
        assert workers.embedded_texts == [JOIN.rstrip("\n")]
        assert (summary.embedded, summary.removed) == (1, 0)
        places = Catalogue(memory).locate([content_id(ADD)], Catalogue(memory).list_repositories(), 10)
        assert [place.path for place in places] == ["moved/a.py"]

    def test_what_no_repository_has_any_more_is_removed(self, memory: MemoryIndex, tmp_path: Path):
        commit(tmp_path / "shop", {"a.py": ADD, "b.py": TAX})
        commit(tmp_path / "names", {"c.py": ADD})
        ingest(memory, tmp_path)
        commit(tmp_path / "shop", {"a.py": None, "b.py": JOIN})
        summaries = ingest(memory, tmp_path)
        assert sum(summary.removed for summary in summaries) == 1
        assert owners(memory, ADD) == {"names"}
        assert owners(memory, TAX) == set()
        assert len(memory.select(BLOBS)) == 2
        assert len(memory.select(SNIPPETS)) == 2

    def test_a_force_push_is_followed(self, memory: MemoryIndex, tmp_path: Path):
        first = commit(tmp_path / "shop", {"a.py": ADD})
        commit(tmp_path / "shop", {"b.py": TAX})
        ingest(memory, tmp_path)
        git(tmp_path / "shop", "reset", "-q", "--hard", first)
        commit(tmp_path / "shop", {"c.py": JOIN})
        ingest(memory, tmp_path)
        assert {str(row["path"]) for row in memory.select(FILES)} == {"a.py", "c.py"}
        assert owners(memory, TAX) == set()
        assert owners(memory, JOIN) == {"shop"}

    def test_bare_clones_odd_files_and_what_can_t_be_read_cost_themselves(self, memory: MemoryIndex, tmp_path: Path):
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
        source = tmp_path / "source"
        commit(
            source,
            {
                "a.py": ADD,
                "big.py": "x = 1\n" * 300_000,
                "lfs.py": pointer,
                "latin.py": "def name():\n    return 'M\xfcller'\n".encode("latin-1"),
                ".env": "TOKEN=1\n",
                "secrets.yml": "password: hunter22\n",
                "broken.ipynb": "{",
            },
        )
        (source / "link.py").symlink_to("a.py")
        Path(os.fsdecode(os.fsencode(str(source)) + b"/\xff")).mkdir()
        Path(os.fsdecode(os.fsencode(str(source)) + b"/\xff/c.py")).write_text(TAX)
        git(source, "add", "-A")
        git(source, "commit", "-q", "-m", "odd")
        git(tmp_path, "clone", "-q", "--bare", str(source), str(tmp_path / "clones" / "shop.git"))
        (tmp_path / "clones" / "empty.git").mkdir()
        git(tmp_path / "clones" / "empty.git", "init", "-q", "--bare")
        empty, shop = ingest(memory, tmp_path / "clones")
        assert "no commit" in empty.error
        assert shop.error == ""
        assert {str(row["path"]) for row in memory.select(FILES)} == {"a.py", "lfs.py", "latin.py", "broken.ipynb"}
        assert shop.skipped["a pointer to Git LFS"] == 1
        assert len(shop.skipped) == 2
        assert owners(memory, ADD) == {"shop"}

    def test_forgetting_leaves_what_others_have(self, index: SharedIndex, tmp_path: Path):
        commit(tmp_path / "shop", {"a.py": ADD, "b.py": TAX})
        commit(tmp_path / "names", {"a.py": ADD, "c.py": JOIN})
        ingest(index, tmp_path)
        if type(index).__name__ == "MilvusIndex":  # a process that has only opened the index finds it like this
            from codekin.team.milvus_index import _collection_of

            index._client.release_collection(_collection_of(SPACE))  # type: ignore[attr-defined]
        assert RepositorySets(Catalogue(index)).forget("shop") == 1
        assert owners(index, ADD) == {"names"}
        assert owners(index, TAX) == set()
        assert index.filter_known(SPACE, [content_id(TAX), content_id(JOIN)]) == {content_id(JOIN)}
        assert check_index(Catalogue(index)) == []
        with pytest.raises(TeamError, match="no repository shop"):
            RepositorySets(Catalogue(index)).forget("shop")

    def test_another_key_is_refused(self, memory: MemoryIndex):
        from codekin.team.keyring import Keyring

        Catalogue(memory).check(KEYRING, create=True)
        with pytest.raises(TeamError, match="another team key"):
            Catalogue(memory).check(Keyring(b"x" * 32), create=True)
        Catalogue(memory).write_meta({"schema": "99"})
        with pytest.raises(TeamError, match=r"schema version 99, .* empty database"):
            Catalogue(memory).check(KEYRING, create=True)


class TestKilled:
    def test_a_kill_at_any_write_is_made_up_for(self, tmp_path: Path):
        """Whatever the write at which an ingest ends, the next one gives what an undisturbed one gives."""
        commit(tmp_path / "names", {"a.py": ADD, "c.py": JOIN})
        first = commit(tmp_path / "shop", {"a.py": ADD, "b.py": TAX})
        commit(tmp_path / "shop", {"a.py": JOIN, "d.py": f"{ADD}\n\n{TAX}", "b.py": None})
        second = git(tmp_path / "shop", "rev-parse", "HEAD")
        expected = MemoryIndex()
        ingest(expected, tmp_path)
        kills = 0
        for writes in range(200):
            index = FailingIndex()
            git(tmp_path / "shop", "checkout", "-q", "-B", "main", first)
            ingest(index, tmp_path)
            git(tmp_path / "shop", "checkout", "-q", "-B", "main", second)
            index.writes_left = writes
            try:
                ingest(index, tmp_path)
            except CutOffError:
                kills += 1
            else:
                break
            index.writes_left = -1
            ingest(index, tmp_path)
            assert check_index(Catalogue(index)) == []
            assert {text: owners(index, text) for text in (ADD, TAX, JOIN)} == {
                text: owners(expected, text) for text in (ADD, TAX, JOIN)
            }
            assert sorted(map(str, index.select(FILES))) == sorted(map(str, expected.select(FILES)))
            assert index.spaces[SPACE][1].keys() == expected.spaces[SPACE][1].keys()
        assert kills >= 8

    def test_nothing_is_embedded_twice_after_a_kill(self, tmp_path: Path):
        files = {f"f{n}.py": f"def f{n}(value):\n    total = value + {n}\n    return total\n" for n in range(300)}
        commit(tmp_path / "shop", files)
        index, workers = FailingIndex(), LocalWorkers()
        index.writes_left = 12
        with pytest.raises(CutOffError):
            ingest(index, tmp_path, workers)
        stored = len(index.spaces[SPACE][1])
        assert 0 < stored < 300
        index.writes_left = -1
        again = LocalWorkers()
        ingest(index, tmp_path, again)
        assert len(again.embedded_texts) == 300 - stored
        assert len(index.spaces[SPACE][1]) == 300

    def test_a_killed_process_goes_on(self, postgres_uri: str, tmp_path: Path):
        """The real command, its workers and all, is killed again and again; then all is there, once."""
        for name in ("one", "two"):
            files = {
                f"{name}{n}.py": f"def {name}{n}(value):\n    total = value * {n}\n    return total + {n}\n"
                for n in range(1_000)
            }
            commit(tmp_path / "clones" / name, files)
        command = [sys.executable, "-m", "codekin", "team", "ingest", "--json", "--key", str(tmp_path / "key")]
        command += ["--repositories", str(tmp_path / "clones"), "--to", postgres_uri, "--workers", "1"]
        deadline = time.monotonic() + 400  # a busy machine has little time for workers of low priority
        with closing(open_shared_index(postgres_uri)) as index:
            for stored in (1, 600, 1_200):
                while count_stored(index) < stored:
                    assert time.monotonic() < deadline
                    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    while process.poll() is None and count_stored(index) < stored:
                        time.sleep(0.05)
                    process.kill()
                    process.wait()
        while True:  # the database notices at its own pace that its client is gone
            finished = subprocess.run(command, capture_output=True, text=True, check=False)
            if finished.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        check_documented("team ingest", json.loads(finished.stdout))
        summaries = json.loads(finished.stdout)["repositories"]
        assert [summary["error"] for summary in summaries] == ["", ""]
        status = [*command[:3], "team", "status", "--json", "--key", str(tmp_path / "key"), "--index", postgres_uri]
        document = json.loads(subprocess.run(status, capture_output=True, text=True, check=True).stdout)
        check_documented("team status", document)
        assert document["spaces"][0]["contents"] == 2_000
        doctor = [*command[:3], "team", "doctor", "--key", str(tmp_path / "key"), "--index", postgres_uri]
        assert subprocess.run(doctor, capture_output=True, text=True, check=True).stdout == "Everything is sound.\n"
        with closing(open_shared_index(postgres_uri)) as index:
            Catalogue(index).open_space("former", 24)
        drop, forget = (
            [*command[:3], "team", *words, *doctor[5:]] for words in (("drop", "former"), ("forget", "one"))
        )
        for checked in (drop, doctor, forget):
            output = subprocess.run([*checked, "--json"], capture_output=True, text=True, check=True).stdout
            check_documented(" ".join(checked[3:5]), json.loads(output))
