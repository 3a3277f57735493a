"""What every engine of a shared index must do, the one in memory included."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codekin.errors import TeamError
from codekin.team.keyring import load_keyring
from codekin.team.session import open_catalogue
from codekin.team.shared_index import SetFilter, SharedContent, SharedIndex, open_shared_index
from codekin.team.tables import FILES, META, SNIPPETS

from .conftest import SPACE

DIM = 24
EVERYTHING = SetFilter()


def make_contents(count: int, sets: int = 5) -> list[SharedContent]:
    """Contents with vectors by chance, in `sets` repository sets in turn."""
    generator = np.random.default_rng(7)
    vectors = generator.standard_normal((count, DIM))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return [
        SharedContent(
            f"{number:032x}", number % sets, vector.astype(np.float16), (1, 2 + number, 1_000 + number % 7), 1.0
        )
        for number, vector in enumerate(vectors)
    ]


@pytest.fixture
def contents(index: SharedIndex) -> list[SharedContent]:
    made = make_contents(200)
    index.open_space(SPACE, DIM)
    index.put_contents(SPACE, made)
    return made


class TestRows:
    def test_rows_come_back_and_are_replaced_by_key(self, index: SharedIndex):
        index.upsert(META, [{"name": "a", "value": "1"}, {"name": "ü'\"\\", "value": "x" * 5_000}])
        index.upsert(META, [{"name": "a", "value": "2"}])
        assert index.select(META, {"name": ["a"]}) == [{"name": "a", "value": "2"}]
        assert index.select(META, {"name": ["ü'\"\\"]})[0]["value"] == "x" * 5_000
        assert len(index.select(META)) == 2

    def test_all_conditions_must_hold_and_an_empty_list_is_met_by_none(self, index: SharedIndex):
        rows = [
            {"id": f"{n:032x}", "repository": n % 3, "path": f"a/{n}.py", "blob": f"{n // 2:032x}"} for n in range(30)
        ]
        index.upsert(FILES, rows)
        found = index.select(FILES, {"blob": [f"{n:032x}" for n in range(5)], "repository": [1]})
        assert sorted(str(row["path"]) for row in found) == ["a/1.py", "a/4.py", "a/7.py"]
        assert index.select(FILES, {"blob": []}) == []
        assert index.select(FILES, {"blob": [], "repository": [1]}) == []
        assert len(index.select(FILES, {"repository": [1]}, 4)) == 4

    def test_deleting_takes_what_meets_the_conditions_alone(self, index: SharedIndex):
        rows = [{"id": f"{n:032x}", "repository": n % 3, "path": "p", "blob": f"{n:032x}"} for n in range(9)]
        index.upsert(FILES, rows)
        index.delete(FILES, {"repository": [1]})
        index.delete(FILES, {"repository": []})
        assert {row["repository"] for row in index.select(FILES)} == {0, 2}
        assert len(index.select(FILES)) == 6

    def test_thousands_of_rows_and_values_are_no_limit(self, index: SharedIndex):
        names = {"kind": "function", "language": "python", "name": "f", "qualified_name": "C.f"}
        lines = {"start_line": 1, "end_line": 9, "name_line": 2, "part": 0}
        rows = [
            {"id": f"{n:032x}", "blob": f"{n % 50:032x}", "content": f"{n:032x}"} | lines | names for n in range(3_000)
        ]
        index.upsert(SNIPPETS, rows)
        found = index.select(SNIPPETS, {"content": [f"{n:032x}" for n in range(2_900, 5_000)]})
        assert sorted(str(row["id"]) for row in found) == [f"{n:032x}" for n in range(2_900, 3_000)]
        assert found[0] == rows[int(str(found[0]["id"]), 16)]


class TestContents:
    def test_the_nearest_are_found_best_first_with_their_cosines(
        self, index: SharedIndex, contents: list[SharedContent]
    ):
        query = np.asarray(contents[42].vector, np.float32)
        found = index.search_vectors(SPACE, query, 10, EVERYTHING)
        vectors = np.array([content.vector for content in contents], np.float32)
        expected = np.sort(vectors @ query)[::-1][:10]
        assert found[0].id == contents[42].id
        assert np.allclose([candidate.score for candidate in found], expected, atol=2e-3)

    @pytest.mark.parametrize("is_excluded", [True, False])
    def test_only_allowed_sets_are_searched(
        self, index: SharedIndex, contents: list[SharedContent], *, is_excluded: bool
    ):
        allowed = SetFilter((1, 3), is_excluded)
        query = np.asarray(contents[0].vector, np.float32)
        expected = {content.id for content in contents if (content.set_id in (1, 3)) is not is_excluded}
        assert {candidate.id for candidate in index.search_vectors(SPACE, query, 200, allowed)} == expected
        assert {candidate.id for candidate in index.search_words(SPACE, {1: 1.0}, 200, allowed)} == expected
        assert index.get_vectors(SPACE, [content.id for content in contents], allowed).keys() == expected

    @pytest.mark.parametrize("compared", [40_000, 0])
    def test_few_contents_are_compared_and_many_are_found_by_the_graph(
        self, index: SharedIndex, contents: list[SharedContent], monkeypatch: pytest.MonkeyPatch, compared: int
    ):
        monkeypatch.setattr("codekin.team.postgres_graphs.MAX_COMPARED_CONTENTS", compared)
        query = np.asarray(contents[0].vector, np.float32)
        cosines = {item.id: float(np.float32(item.vector) @ query) for item in contents if item.set_id in (1, 3)}
        found = index.search_vectors(SPACE, query, 10, SetFilter((1, 3), is_excluded=False))
        assert np.allclose([item.score for item in found], sorted(cosines.values(), reverse=True)[:10], atol=2e-3)
        assert all(abs(cosines[item.id] - item.score) < 2e-3 for item in found)

    def test_no_set_allowed_is_nothing_found(self, index: SharedIndex, contents: list[SharedContent]):
        nothing = SetFilter((), is_excluded=False)
        query = np.asarray(contents[0].vector, np.float32)
        assert index.search_vectors(SPACE, query, 10, nothing) == []
        assert index.search_words(SPACE, {1: 1.0}, 10, nothing) == []

    def test_words_weigh_as_they_are_given(self, index: SharedIndex, contents: list[SharedContent]):
        heavier = replace(contents[9], id=f"{999:032x}", weight=2.0)
        index.put_contents(SPACE, [heavier])
        found = index.search_words(SPACE, {11: 5.0, 1_003: 1.0}, 5, EVERYTHING)
        assert found[0].id == heavier.id
        assert found[0].score == pytest.approx(10.0)
        assert found[1].id == contents[9].id
        assert found[1].score == pytest.approx(5.0)
        assert found[2].score == pytest.approx(1.0)
        assert index.search_words(SPACE, {}, 5, EVERYTHING) == []

    def test_a_content_without_words_is_found_by_meaning(self, index: SharedIndex, contents: list[SharedContent]):
        index.put_contents(SPACE, [replace(contents[3], id=f"{998:032x}", words=(), weight=0.0)])
        found = index.search_vectors(SPACE, np.asarray(contents[3].vector, np.float32), 2, EVERYTHING)
        assert {item.id for item in found} == {contents[3].id, f"{998:032x}"}
        assert f"{998:032x}" not in {item.id for item in index.search_words(SPACE, {1: 1.0}, 300, EVERYTHING)}

    def test_writing_again_replaces_and_deleting_removes(self, index: SharedIndex, contents: list[SharedContent]):
        index.put_contents(SPACE, contents[:3])
        assert index.count_contents(SPACE) == 200
        index.delete_contents(SPACE, [contents[0].id, "f" * 32])
        assert index.filter_known(SPACE, [contents[0].id, contents[1].id, "f" * 32]) == {contents[1].id}
        query = np.asarray(contents[0].vector, np.float32)
        assert contents[0].id not in {candidate.id for candidate in index.search_vectors(SPACE, query, 10, EVERYTHING)}

    def test_sets_are_assigned_and_listed(self, index: SharedIndex, contents: list[SharedContent]):
        big = (1 << 48) - 1
        index.assign_sets(SPACE, {contents[0].id: big, contents[1].id: 1, "f" * 32: big})
        assert index.list_contents(SPACE, [big]) == {contents[0].id}
        found = index.search_words(SPACE, {2: 1.0}, 5, SetFilter((big,), is_excluded=False))
        assert [candidate.id for candidate in found] == [contents[0].id]
        vectors = index.get_vectors(SPACE, [contents[0].id], EVERYTHING)
        assert np.allclose(vectors[contents[0].id], np.asarray(contents[0].vector, np.float32), atol=1e-3)

    def test_all_this_holds_after_optimizing(self, index: SharedIndex, contents: list[SharedContent]):
        index.optimize(SPACE)
        query = np.asarray(contents[5].vector, np.float32)
        assert index.search_vectors(SPACE, query, 3, EVERYTHING)[0].id == contents[5].id
        assert index.search_words(SPACE, {7: 1.0}, 3, EVERYTHING)[0].id == contents[5].id
        assert len(index.sample_words(SPACE, 1_000)) == 200
        assert {words[0] for words in index.sample_words(SPACE, 1_000)} == {1}

    def test_spaces_are_apart_and_have_one_dimension(self, index: SharedIndex, contents: list[SharedContent]):
        index.open_space("other", 8)
        assert index.filter_known("other", [contents[0].id]) == set()
        with pytest.raises(TeamError, match=r"dimension|numbers"):
            index.open_space(SPACE, 8)
        index.drop_space("other")
        index.drop_space("never there")
        assert index.count_contents(SPACE) == 200


class TestLock:
    def test_one_ingests_at_a_time(self, index: SharedIndex):
        with index.lock_ingest(), pytest.raises(TeamError, match="or stop it"), index.lock_ingest():
            pass
        with index.lock_ingest():
            pass


class TestWrongAddresses:
    @pytest.mark.parametrize(
        "uri", ["postgresql://nobody@127.0.0.1:9/none", "http://127.0.0.1:9", "postgresql://no-such-host.invalid/x"]
    )
    def test_an_engine_that_is_not_there_is_told_with_a_remedy(self, uri: str):
        with pytest.raises(TeamError, match="Is the server running"):
            open_shared_index(uri)

    def test_what_names_no_engine_is_told_the_names(self):
        with pytest.raises(TeamError, match=r"Name postgresql://"):
            open_shared_index("shop")

    def test_to_look_into_a_file_creates_none(self, tmp_path: Path):
        load_keyring(tmp_path / "key", create=True)
        with (
            pytest.raises(TeamError, match="does not exist"),
            open_catalogue(str(tmp_path / "typo.db"), tmp_path / "key", create=False),
        ):
            pass
        assert not (tmp_path / "typo.db").exists()
