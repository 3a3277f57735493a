"""Files, and the snippets of each, in the order in which they answer."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.query_terms import QueryTerms
from codekin.search.rank import QueryResults
from codekin.types import Candidate, Location, SnippetKind, Span

ROOT = Path("/code")


def place(path: str, name: str, content: int, kind: SnippetKind = SnippetKind.FUNCTION, start: int = 0) -> Location:
    return Location(ROOT / path, Span(start, start + 9), name, name, kind, "python", start, 0, content)


def found(
    question: str,
    cosines: dict[int, float],
    shares: dict[int, float],
    places: list[Location],
    *,
    everywhere: str = "",
) -> QueryResults:
    result = QueryResults(
        QueryTerms(question, lambda word: 900 if word == everywhere else 10, 1000),
        [Candidate(*item) for item in cosines.items()],
        [Candidate(*item) for item in shares.items()],
    )
    result.add_locations(places)
    return result


def order(of: QueryResults) -> list[str]:
    return [ranked.location.name for ranked in of.rank_locations([ROOT])]


def test_with_equal_evidence_the_file_that_is_called_what_is_asked_comes_first():
    places = [place("util.py", "run", 1), place("session.py", "go", 2), place("user_session_store.py", "do", 3)]
    equal = dict.fromkeys((1, 2, 3), 0.4)
    assert order(found("session", equal, {}, places))[:2] == ["go", "do"]


def test_code_comes_before_its_tests():
    places = [place("tests/test_session.py", "check", 1), place("session.py", "go", 2)]
    assert order(found("session", {1: 0.45, 2: 0.4}, {1: 0.2, 2: 0.2}, places)) == ["go", "check"]


def test_a_question_about_tests_does_not_hold_it_against_them():
    results = QueryResults(QueryTerms("session", lambda _: 10, 1000), [Candidate(1, 0.4)], [], wants_tests=True)
    results.add_locations([place("tests/test_session.py", "check", 1)])
    assert results.list_signals([ROOT])[ROOT / "tests/test_session.py"]["test"] == 0


def test_a_folder_named_test_above_the_workspace_makes_nothing_a_test():
    inside = found("session", {1: 0.4}, {}, [place("session.py", "go", 1)])
    assert inside.list_signals([ROOT])[ROOT / "session.py"]["test"] == 0
    deep = QueryResults(QueryTerms("session", lambda _: 10, 1000), [Candidate(1, 0.4)], [])
    path = Path("/tmp/tests/app/session.py")
    deep.add_locations([Location(path, Span(0, 9), "go", "go", SnippetKind.FUNCTION, "python", 0, 0, 1)])
    assert deep.list_signals([Path("/tmp/tests/app")])[path]["test"] == 0


def test_a_file_of_which_more_was_found_comes_first():
    places = [place("one.py", "a", 1), *(place("two.py", name, i, start=10 * i) for i, name in enumerate("bcd", 2))]
    assert order(found("parse", dict.fromkeys(range(1, 5), 0.4), dict.fromkeys(range(1, 5), 0.3), places))[0] != "a"


def test_no_file_fills_the_answer_while_others_have_something_to_say():
    many = [place("one.py", f"a{i}", i, start=10 * i) for i in range(1, 21)]
    other_places = [place(f"other{i}.py", f"b{i}", 20 + i) for i in range(1, 6)]
    cosines = dict.fromkeys(range(1, 21), 0.5) | {20 + i: 0.45 for i in range(1, 6)}
    top = order(found("parse", cosines, {}, [*many, *other_places]))
    assert {name[0] for name in top[1:6]} == {"b"}
    assert sum(name.startswith("a") for name in top) == 5


def test_the_definition_comes_before_its_uses_and_a_class_before_its_namesakes():
    places = [
        place("use.py", "build", 1),
        place("store.py", "Store", 2, SnippetKind.CLASS),
        place("other.py", "store", 3),
    ]
    assert order(found("Store", {1: 0.6, 2: 0.4, 3: 0.4}, {}, places))[0] == "Store"


def test_a_name_that_all_files_have_says_less_than_what_the_rest_of_the_question_asks():
    """`json.hpp` is called like every question about JSON."""
    places = [place("json.hpp", "parse", 1), place("output/serializer.hpp", "dump_escaped", 2)]
    question = "JSON serializer that escapes a dump"
    results = found(question, {1: 0.4, 2: 0.4}, {1: 0.2, 2: 0.2}, places, everywhere="json")
    assert order(results)[0] == "dump_escaped"


def test_the_class_of_a_method_says_what_it_does():
    filter_place = replace(place("filter.rs", "parse_opt", 1), qualified_name="SizeFilter.parse_opt")
    places = [filter_place, place("other.rs", "parse_date", 2)]
    assert order(found("parse size filter", {1: 0.4, 2: 0.4}, {1: 0.2, 2: 0.2}, places))[0] == "parse_opt"


def test_a_generic_name_is_completed_by_its_folder():
    places = [place("de/mod.rs", "a", 1), place("ser/mod.rs", "b", 2)]
    assert order(found("ser module", {1: 0.4, 2: 0.4}, {}, places))[0] == "b"


def test_copies_come_after_what_they_are_copies_of():
    names = ["v1/fields.py", "_internal/fields.py", "compat/fields.py", "vendor/fields.py", "fields.py"]
    places = [place(name, name[0], content) for content, name in enumerate(names, 1)]
    others = [place(f"other{content}.py", "o", content) for content in range(6, 9)]
    equal = dict.fromkeys(range(1, 9), 0.4)
    assert order(found("declare model fields", equal, equal, [*places, *others]))[0] == "f"


def test_the_definition_in_the_very_case_comes_before_names_that_contain_it():
    places = [
        place("bool_visitor.rs", "BoolVisitor", 1, SnippetKind.CLASS),
        place("walk.rs", "visitor", 2, SnippetKind.METHOD),
        place("de.rs", "Visitor", 3, SnippetKind.CLASS),
    ]
    assert order(found("Visitor", {1: 0.7, 2: 0.7, 3: 0.4}, {1: 0.5, 2: 0.5}, places))[0] == "Visitor"


def test_within_a_file_what_does_the_work_comes_before_stubs_and_remainders():
    stub = replace(place("a.py", "move", 1), span=Span(0, 2))
    rest = place("a.py", "Mover", 2, SnippetKind.CLASS, start=20)
    module = place("a.py", "", 3, SnippetKind.MODULE, start=40)
    work = place("a.py", "replace", 4, start=60)
    equal = dict.fromkeys(range(1, 5), 0.5)
    assert order(found("put files in place", equal, equal, [stub, rest, module, work]))[0] == "replace"


def test_a_function_in_parts_is_one_hit():
    parts = [replace(place("a.ts", "patch", part, start=10 * part), part=part) for part in (1, 2, 3)]
    places = [*parts, place("a.ts", "other", 4, start=90), place("b.ts", "patch", 5)]
    assert sorted(order(found("patch", dict.fromkeys(range(1, 6), 0.4), {}, places))) == ["other", "patch", "patch"]


def test_the_best_place_of_each_file_comes_before_the_second_of_any():
    places = [
        place(f"{file}.py", f"{file}{i}", 10 * n + i, start=10 * i) for n, file in enumerate("abc", 1) for i in (1, 2)
    ]
    cosines = {place.content: 0.5 - 0.02 * (place.content // 10) for place in places}
    assert [name[0] for name in order(found("parse", cosines, {}, places))[:3]] == ["a", "b", "c"]


def test_a_further_place_of_the_likeliest_file_comes_before_an_unlikely_file_but_for_a_name():
    likely_places = [place("journal.py", "rotate", 1), place("journal.py", "compress", 2, start=20)]
    places = [*likely_places, place("journal_folder.py", "stop", 3)]
    shares = {1: 0.5, 2: 0.45, 3: 0.1}
    sentence = found("shrink old entries on disk", {1: 0.6, 2: 0.58, 3: 0.4}, shares, places)
    assert order(sentence) == ["rotate", "compress", "stop"]
    assert order(found("journal", {1: 0.6, 2: 0.58, 3: 0.5}, shares, places)) == ["rotate", "stop", "compress"]


def test_without_texts_a_hit_is_judged_by_its_names_too_and_the_question_more_cautiously():
    places = [place("store.py", "load_vectors", 1), place("other.py", "go", 2)]
    results = found("load vectors from disk", {1: 0.5, 2: 0.3}, {1: 0.1, 2: 0.1}, places)
    ranked_locations = results.rank_locations([ROOT])
    (_, named), (_, other) = results.iterate_evidence(ranked_locations, [ROOT], 1000)
    assert named.said > other.said > 0.1
    assert results.collect_evidence(ranked_locations[0], [ROOT], 1000).said < 0.1


def test_a_place_is_ranked_once():
    single_place = place("one.py", "a", 1)
    assert len(found("a", {1: 0.5}, {}, [single_place, single_place]).rank_locations([ROOT])) == 1


contents = st.integers(1, 30)
scores = st.floats(0, 1)


@given(
    st.dictionaries(contents, scores, max_size=30),
    st.dictionaries(contents, scores, max_size=30),
    st.lists(st.tuples(st.sampled_from(["a.py", "b/c.ts", "tests/d.go"]), contents), unique=True, max_size=30),
    st.text(max_size=30),
)
def test_whatever_is_found_is_ranked_once_best_first(cosines, shares, places, question):
    given_places = [place(path, f"f{content}", content, start=10 * content) for path, content in places]
    ranked = found(question, cosines, shares, given_places).rank_locations([ROOT])
    assert [ranked_place.score for ranked_place in ranked] == sorted(
        (ranked_place.score for ranked_place in ranked), reverse=True
    )
    keys = [(ranked_location.location.path, ranked_location.location.span) for ranked_location in ranked]
    assert len(keys) == len(set(keys))
    assert {path for path, _ in keys} == {ranked_place.path for ranked_place in given_places}
