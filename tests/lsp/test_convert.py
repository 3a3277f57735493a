"""Positions and addresses survive any text, in every encoding, compared with a reference that spells it out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import (
    Position,
    Range,
    TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument,
)

from codekin.code.extract import split_lines
from codekin.lsp import convert
from codekin.types import Span

ENCODINGS = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}

# Every width of character in every encoding, every line end, and what only Python takes for one.
characters = st.sampled_from("ab \té߀한字😋𝕏\u0301\u200d\x0b\x0c\x1c\x85\u2028\r\n")
texts = st.text(characters | st.characters(codec="utf-8"), max_size=60)
lines = texts.map(lambda text: text.replace("\r", "").replace("\n", ""))
encodings = st.sampled_from(ENCODINGS)


def units(text: str, encoding: str) -> int:
    codec, size = CODECS[encoding]
    return len(text.encode(codec)) // size


def reference_offset(text: str, line: int, character: int, encoding: str) -> int:
    """Walks the text character by character."""
    offset = 0
    for _ in range(line):
        while offset < len(text) and text[offset] not in "\r\n":
            offset += 1
        if offset == len(text):
            return len(text)
        offset += 2 if text[offset : offset + 2] == "\r\n" else 1
    taken = 0
    while offset < len(text) and text[offset] not in "\r\n":
        taken += units(text[offset], encoding)
        if taken > character:
            break
        offset += 1
    return offset


@given(lines, encodings)
def test_width_counts_code_units(text: str, encoding: str) -> None:
    assert convert.count_code_units(text, encoding) == units(text, encoding)


@given(lines, encodings, st.data())
def test_column_finds_back_every_character(line: str, encoding: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(line)))
    assert convert.to_character_index(line, convert.count_code_units(line[:index], encoding), encoding) == index


@given(texts, st.integers(0, 70), st.integers(0, 200), encodings)
def test_offset_is_clamped_and_exact(text: str, line: int, character: int, encoding: str) -> None:
    expected = reference_offset(text, line, character, encoding)
    assert convert.to_text_offset(text, Position(line, character), encoding) == expected


@given(texts, st.data(), encodings)
def test_edits_give_the_text_the_client_has(text: str, data: st.DataObject, encoding: str) -> None:
    """Any sequence of edits, sent as a client sends it, leaves both sides with the same text."""
    our_text = their_text = text
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(their_text)))
        end = data.draw(st.integers(start, len(their_text)))
        if "\r\n" in (their_text[start - 1 : start + 1], their_text[end - 1 : end + 1]):
            continue  # no client has a cursor between the two
        new = data.draw(texts)
        span = Range(position_at(their_text, start, encoding), position_at(their_text, end, encoding))
        our_text = convert.apply_changes(our_text, [TextDocumentContentChangePartial(range=span, text=new)], encoding)
        their_text = their_text[:start] + new + their_text[end:]
        assert our_text == their_text


def position_at(text: str, index: int, encoding: str) -> Position:
    before = split_lines(text[:index])
    return Position(len(before) - 1, units(before[-1], encoding))


def test_a_whole_document_change_replaces_the_text() -> None:
    assert convert.apply_changes("old", [TextDocumentContentChangeWholeDocument(text="new")], "utf-16") == "new"


@pytest.mark.parametrize("unpaired", ["\ud83d", "\ude0b", "a\ud800b"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_unpaired_surrogates_are_counted_not_refused(unpaired: str, encoding: str) -> None:
    assert convert.to_character_index(unpaired, convert.count_code_units(unpaired, encoding), encoding) == len(unpaired)


@given(st.lists(lines, min_size=1, max_size=5), st.integers(0, 9), encodings)
def test_a_hit_runs_from_its_first_word_to_its_last(code: list[str], first: int, encoding: str) -> None:
    code_range = convert.to_code_range(code, first, encoding)
    text = "\n" * first + "\n".join(code)
    start, end = (convert.to_text_offset(text, position, encoding) for position in (code_range.start, code_range.end))
    assert text[start:end] == "\n".join(code)[len(code[0]) - len(code[0].lstrip()) :]


@pytest.mark.parametrize(
    ("line", "name", "expected_text"),
    [
        ("    def größe(self):", "größe", "größe"),
        ("😋 = lambda x: x", "😋", "😋"),
        ("def added(add):", "add", "add"),
        ("  export default () => 1;", "", "export default () => 1;"),
        ("  operator()(int a)", "operator+", "operator()(int a)"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_selection_range_is_the_name(line: str, name: str, expected_text: str, encoding: str) -> None:
    code_range = convert.to_name_range(line, 0, name, encoding)
    assert (
        line[
            convert.to_text_offset(line, code_range.start, encoding) : convert.to_text_offset(
                line, code_range.end, encoding
            )
        ]
        == expected_text
    )


@pytest.mark.parametrize(
    ("selected", "touched"),
    [
        ((2, 0, 2, 0), Span(2, 3)),
        ((2, 3, 2, 9), Span(2, 3)),
        ((2, 0, 4, 0), Span(2, 4)),
        ((2, 0, 4, 1), Span(2, 5)),
        ((4, 1, 2, 0), Span(2, 5)),
        ((9, 0, 99, 0), Span(9, 10)),
        ((7, 0, 99, 0), Span(7, 10)),
        ((50, 0, 99, 0), Span(9, 10)),
    ],
)
def test_the_lines_of_a_selection(selected: tuple[int, int, int, int], touched: Span) -> None:
    row, column, end_row, end_column = selected
    assert convert.to_line_span(Range(Position(row, column), Position(end_row, end_column)), 10) == touched


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=30))
def test_any_file_name_survives_its_address(name: str) -> None:
    path = Path("/folder") / name
    if path.name == name and name != "..":
        assert convert.to_path(convert.to_uri(path)) == path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b;c=1.py", "/a/b;c=1.py"),  # not a parameter
        ("file:///a/%C3%A9%20%23.py", "/a/é #.py"),
        ("file://localhost/a.py", "/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("untitled:Untitled-1", None),
        ("git:/a/b.py?%7B%7D", None),
        ("vscode-notebook-cell:/a/b.ipynb#W0", None),
        ("file://[broken", None),
        ("file:", None),
        ("", None),
    ],
)
def test_the_paths_of_addresses(uri: str, path: str | None) -> None:
    assert convert.to_path(uri) == (Path(path) if path else None)


@pytest.mark.parametrize(
    ("uri", "notebook"),
    [
        ("vscode-notebook-cell:/a/b%20c.ipynb#W2sZmlsZQ==", ("/a/b c.ipynb", 2)),
        ("vscode-notebook-cell:/a/b.ipynb#X12sZmlsZQ%3D%3D", ("/a/b.ipynb", 9)),
        ("vscode-notebook-cell://ssh-remote%2Bhost/a/b.ipynb#W0sdnNjb2RlLXJlbW90ZQ==", ("/a/b.ipynb", 0)),
        ("vscode-notebook-cell:/a/b.ipynb#ch0000001", ("/a/b.ipynb", -1)),
        ("vscode-notebook-cell:/a/b.ipynb", ("/a/b.ipynb", -1)),
        ("vscode-notebook-cell:Untitled-1.ipynb#W0sdW50aXRsZWQ%3D", None),
        ("vscode-notebook-cell://[broken", None),
        ("file:///a/b.ipynb#W2sZmlsZQ==", None),
    ],
)
def test_the_notebooks_of_cells(uri: str, notebook: tuple[str, int] | None) -> None:
    assert convert.parse_cell_uri(uri) == ((Path(notebook[0]), notebook[1]) if notebook else None)
