"""Graphs in PostgreSQL are built at the end of an ingest, never extended, and searches find everything at any time."""

from pathlib import Path

import numpy as np
import psycopg
import pytest

from codekin.team import postgres_graphs
from codekin.team.catalogue import Catalogue
from codekin.team.postgres_graphs import Graph, list_graphs
from codekin.team.postgres_index import PostgresIndex
from codekin.team.postgres_schema import name_contents
from codekin.team.repository_sets import RepositorySets
from codekin.team.shared_index import SetFilter, SharedContent

from .clones import SPACE as EMBEDDED_SPACE
from .clones import commit, ingest
from .conftest import SPACE
from .test_shared_index import DIM, make_contents

ALLOWED = SetFilter((1, 3), is_excluded=False)


@pytest.fixture
def opened(postgres_uri: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres_graphs, "MAX_OPEN_CONTENTS", 50)
    monkeypatch.setattr(postgres_graphs, "MAX_COMPARED_CONTENTS", 0)  # a filter alone avoids no graph
    index = PostgresIndex(postgres_uri)
    yield index
    index.close()


def graphs_of(uri: str, space: str) -> list[Graph]:
    with psycopg.connect(uri) as connection:
        return list_graphs(connection, name_contents(space))


def check_found(index: PostgresIndex, contents: list[SharedContent]) -> None:
    """Whether the 10 nearest are those of an exact search, of all and of some sets."""
    for query in (contents[0], contents[-1]):
        vector = np.asarray(query.vector, np.float32)
        for allowed in (SetFilter(), ALLOWED):
            cosines = [
                float(np.asarray(content.vector, np.float32) @ vector)
                for content in contents
                if allowed.is_excluded or content.set_id in allowed.ids
            ]
            found = index.search_vectors(SPACE, vector, 10, allowed)
            assert np.allclose([item.score for item in found], sorted(cosines, reverse=True)[:10], atol=2e-3)
            assert len({item.id for item in found}) == 10


def test_searches_find_what_is_in_graphs_and_what_is_in_none(opened: PostgresIndex, postgres_uri: str):
    contents = make_contents(400)
    opened.open_space(SPACE, DIM)
    opened.put_contents(SPACE, contents[:200])
    assert opened.needs_optimizing(SPACE)
    check_found(opened, contents[:200])
    opened.optimize(SPACE)
    assert graphs_of(postgres_uri, SPACE) == [Graph(0, 0)]
    assert not opened.needs_optimizing(SPACE)
    opened.put_contents(SPACE, contents[200:240])
    opened.optimize(SPACE)  # few are compared
    assert graphs_of(postgres_uri, SPACE) == [Graph(0, 0)]
    check_found(opened, contents[:240])
    opened.put_contents(SPACE, contents[240:260])
    opened.optimize(SPACE)
    assert graphs_of(postgres_uri, SPACE) == [Graph(0, 0), Graph(1, 1)]
    check_found(opened, contents[:260])
    opened.put_contents(SPACE, contents[260:])
    check_found(opened, contents)
    opened.optimize(SPACE)  # the former two have not many more than are new
    assert graphs_of(postgres_uri, SPACE) == [Graph(0, 2)]
    check_found(opened, contents)


def test_what_is_written_again_is_found_once(opened: PostgresIndex, postgres_uri: str):
    contents = make_contents(200)
    opened.open_space(SPACE, DIM)
    opened.put_contents(SPACE, contents)
    opened.optimize(SPACE)
    opened.put_contents(SPACE, contents[:5])
    opened.assign_sets(SPACE, {content.id: 1 for content in contents[5:10]})
    found = opened.search_vectors(SPACE, np.asarray(contents[0].vector, np.float32), 200, SetFilter())
    assert sorted(item.id for item in found) == sorted(content.id for content in contents)
    opened.delete_contents(SPACE, [contents[0].id, contents[100].id])
    found = opened.search_vectors(SPACE, np.asarray(contents[0].vector, np.float32), 200, SetFilter())
    assert len(found) == 198


def test_what_a_killed_ingest_left_is_built_by_the_next_one(
    opened: PostgresIndex, postgres_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is killed when all is stored; the next finds nothing new, and builds the graph all the same."""
    text = "\n\n".join(f"def f{n}(value):\n    total = value + {n}\n    return total\n" for n in range(80))
    commit(tmp_path / "shop", {"a.py": text})
    with monkeypatch.context() as patch:
        patch.setattr(PostgresIndex, "optimize", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(opened, tmp_path)
    assert graphs_of(postgres_uri, EMBEDDED_SPACE) == []
    assert [summary.is_unchanged for summary in ingest(opened, tmp_path)] == [True]
    assert graphs_of(postgres_uri, EMBEDDED_SPACE) == [Graph(0, 0)]
    assert Catalogue(opened).find_active_space() == EMBEDDED_SPACE


def test_forgetting_a_repository_leaves_nothing_to_compare(opened: PostgresIndex, postgres_uri: str, tmp_path: Path):
    """What another repository has, too, changes its set, and so leaves its graph: one is built with it."""
    text = "\n\n".join(f"def f{n}(value):\n    total = value + {n}\n    return total\n" for n in range(80))
    for name in ("shop", "fork"):
        commit(tmp_path / name, {"a.py": text})
    ingest(opened, tmp_path)
    assert graphs_of(postgres_uri, EMBEDDED_SPACE) == [Graph(0, 0)]
    assert RepositorySets(Catalogue(opened)).forget("fork") == 0
    assert graphs_of(postgres_uri, EMBEDDED_SPACE) == [Graph(0, 1)]
    assert not opened.needs_optimizing(EMBEDDED_SPACE)


def test_an_ingest_builds_the_graphs_of_other_models_too(opened: PostgresIndex, postgres_uri: str, tmp_path: Path):
    """Whose contents it moves out of them where sets change."""
    Catalogue(opened).open_space(SPACE, DIM)
    opened.put_contents(SPACE, make_contents(60))
    commit(tmp_path / "shop", {"a.py": "def add(left, right):\n    return left + right\n"})
    ingest(opened, tmp_path)
    assert graphs_of(postgres_uri, SPACE) == [Graph(0, 0)]
