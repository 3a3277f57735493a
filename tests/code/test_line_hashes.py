"""Where a function may be cut, and what its lines say, whatever they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.extract import extract_snippets, split_lines
from codekin.code.line_hashes import (
    MAX_BORDERS,
    choose_split_points,
    find_all_statement_rows,
    find_calls,
    find_local_names,
    hash_content_lines,
    make_line_hasher,
    rename_locals,
    unpack_line_hashes,
)
from codekin.code.parsing import encode_source, load_syntax, parse_incrementally, parse_source

PYTHON = '''\
def ship(order, carrier):
    """Hand it over."""
    parcel = carrier.pack(order.items)
    if parcel:
        order.state = "shipped"
        return carrier.dispatch(
            parcel,
            order.address,
        )
    return None
'''
C = """\
int
ring_push(struct ring *r, int item)
{
    if (r->full)
        return -1;
    r->items[r->head++] = item;
    return 0;
}
"""
KOTLIN = """\
fun get(key: Key): Value? {
    val found = items[key]
    return found
}
"""
LUA = """\
function M.push(value)
  M.count = M.count + 1
  return value
end
"""


def cuts(text: str, language: str) -> list[str]:
    (snippet,) = extract_snippets(text, language)
    lines = snippet.text.split("\n")
    return [lines[border].strip() for border in snippet.borders]


def test_a_function_is_cut_where_the_statements_of_its_body_begin():
    assert [line.split("(")[0] for line in cuts(PYTHON, "python")[1:]] == [
        "parcel = carrier.pack",
        "if parcel:",
        "return None",
    ]
    assert cuts(C, "c") == ["if (r->full)", "r->items[r->head++] = item;", "return 0;"]
    assert cuts(KOTLIN, "kotlin") == ["val found = items[key]", "return found"]
    assert cuts(LUA, "lua") == ["M.count = M.count + 1", "return value"]


def test_a_body_on_the_signature_s_line_has_no_border():
    assert cuts("def one(): return 1\n", "python") == []


def test_statements_are_found_however_deep_and_arguments_are_none():
    syntax = load_syntax("python")
    lines = split_lines(PYTHON)
    rows = find_all_statement_rows(parse_source(encode_source(lines), syntax), 0, len(lines))
    assert [lines[row].strip() for row in rows][1:] == [
        "parcel = carrier.pack(order.items)",
        "if parcel:",
        'order.state = "shipped"',
        "return carrier.dispatch(",
        "return None",
    ]


@given(st.lists(st.integers(0, 1000), unique=True).map(sorted))
def test_few_borders_are_among_them_and_the_first_is_kept(borders: list[int]):
    chosen = choose_split_points(borders)
    assert len(chosen) == min(MAX_BORDERS, len(borders) if len(borders) > 2 else min(len(borders), 1))
    assert set(chosen) <= set(borders)
    assert chosen[:1] == tuple(borders[:1])


def test_the_same_step_has_the_same_key_whatever_it_names():
    key = make_line_hasher("python")
    assert key['  reply = send(request, "a", 1)'] == key["r = send(req, 'other words', 25)"]
    assert key["reply = send(request)"] != key["reply = drop(request)"]
    assert key["return x"] != key["yield x"]
    assert key["self.name = name"] != key["self.title = name"]


def test_what_says_nothing_has_no_key():
    key = make_line_hasher("go")
    assert [key[line] for line in ("", "   ", "// why", "{", "/* why", " * why")] == [0] * 6
    assert key["}"] != 0


def test_languages_that_copy_from_one_another_share_keys_and_others_do_not():
    line = "return items.map(one)"
    assert (
        make_line_hasher("typescript")[line] == make_line_hasher("javascript")[line] != make_line_hasher("python")[line]
    )


@given(st.text(), st.lists(st.integers(0, 65_535), max_size=5))
def test_a_packed_course_is_unpacked_to_itself(text: str, borders: list[int]):
    content_hashes = hash_content_lines(text, "python", borders)
    assert len(content_hashes.keys) == text.count("\n") + 1
    assert unpack_line_hashes(content_hashes.pack()) == content_hashes


@given(st.text(alphabet="abxy.(\"' =_", max_size=40))
def test_renaming_nothing_changes_nothing_and_strings_stay(line: str):
    assert rename_locals(line, {}) == line
    assert rename_locals(line, {name: name for name in find_local_names(line)}) == line


def test_only_local_names_are_renamed():
    line = 'x.total = total(total, "total")'
    assert rename_locals(line, {"total": "sum", "x": "y"}) == 'y.total = total(sum, "total")'


def test_a_name_before_a_block_s_colon_is_local_and_a_key_is_not():
    assert rename_locals("for item in items:", {"items": "goods"}) == "for item in goods:"
    assert rename_locals("{ items: items }", {"items": "goods"}) == "{ items: goods }"


@given(st.integers(0, 9), st.text(alphabet="ab =(){}:\n\"'é😋", max_size=12))
def test_parsing_again_gives_the_tree_that_parsing_anew_gives(row: int, typed: str):
    syntax = load_syntax("python")
    lines = split_lines(PYTHON)
    former = parse_incrementally(encode_source(lines), syntax)
    changed = encode_source(split_lines("\n".join([*lines[:row], lines[row] + typed, *lines[row + 1 :]])))
    again, full_tree = parse_incrementally(changed, syntax, former), parse_incrementally(changed, syntax)
    assert again.source == full_tree.source
    # Error recovery may go another way round the same text; a sound tree may not.
    if not full_tree.tree.root_node.has_error:
        assert str(again.tree.root_node) == str(full_tree.tree.root_node)


@pytest.mark.parametrize(("unit", "called"), [("a", ()), ("_", ()), ("a1", ()), ("a<", ()), ("f(", ("f",) * 100_000)])
def test_calls_in_a_line_without_end_are_found_in_linear_time(unit: str, called: tuple[str, ...]) -> None:
    assert find_calls(unit * 100_000) == called
