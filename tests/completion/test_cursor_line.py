"""The cursor's line is read once, for its rest and for whole lines: its last token may go on, or be whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codekin.code.lines import hash_content
from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.cursor_line import CursorLine, CursorReader, CursorReading
from codekin.completion.line_tokens import TokenVocabulary, read_line_tokens
from codekin.completion.ngram import NgramModel
from codekin.completion.suffix_index import build_suffix_index
from codekin.completion.typed_tokens import read_typed_tokens
from codekin.completion.workspace_tokens import TokenSnapshot

from .contexts import asked

ABOVE = "def first(reply):\n    return reply.url\n\n\ndef second(reply):\n    log(reply)\n"


def read(text: str, after: str = "", hidden: frozenset[bytes] = frozenset()) -> CursorReading:
    snapshot = TokenSnapshot(TokenVocabulary(), build_suffix_index([]), (), (), ())
    reading = CursorReader().read(asked(text, after=after), snapshot, [], hidden)
    assert reading is not None
    return reading


def describe(line: CursorLine) -> tuple[list[str], str, int]:
    """The last token before the cursor, the open one, and the number of the line's."""
    texts = line.document.vocabulary.texts
    return [texts[token] for token in line.document.make_context().tokens[-1:]], line.open_token, line.token_count


def read_open_tokens(language: str, text: str) -> list[str]:
    """The open token of each reading of the typed text, "" for none."""
    line_tokens = read_line_tokens(text, language, TokenVocabulary())
    assert line_tokens is not None
    return [open_token for _, open_token in read_typed_tokens(text, line_tokens, language)]


def test_a_name_may_go_on_or_be_whole():
    reading = read(ABOVE + "    return reply")
    assert [describe(line) for line in reading.lines] == [(["return"], "reply", 1), (["reply"], "", 2)]
    assert reading.is_completable


def test_the_beginning_of_an_unknown_name_goes_on():
    assert [describe(line) for line in read(ABOVE + "    return rep").lines] == [(["return"], "rep", 1)]


@pytest.mark.parametrize("string", ['"', '"a b', "f'a {reply", '"' + 100 * "long "])
def test_no_code_follows_a_string_that_is_not_closed(string: str):
    known = f"first({string}\n"  # the document has what is typed, too
    assert [describe(line) for line in read(known + "second(" + string).lines] == [(["("], string, 2)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'x = """a""'),
        ("javascript", "x = '"),
        ("javascript", "x = `a ${b"),
        ("csharp", 'x = @"C:\\'),
        ("csharp", 'x = $$"""a'),
        ("rust", 'let x = r#"a" b'),
        ("cpp", 'x = R"(a"'),
        ("cpp", 'x = u8"a'),
        ("scala", 'val x = s"a'),
        ("lua", "x = [==[a]]"),
        ("powershell", 'Join "a`"'),
        ("bash", 'x="$(dirname "$0")'),
    ],
)
def test_a_literal_without_an_end_goes_on_by_the_rules_of_its_language(language: str, text: str):
    assert [open_token != "" for open_token in read_open_tokens(language, text)] == [True]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'second("a \\" b"'),
        ("python", "x = 'a' # don't"),
        ("go", "x = regexp.MustCompile(`\\`"),
        ("csharp", 'x = @"C:\\"'),
        ("powershell", 'Join "C:\\"'),
        ("rust", 'let x = r"C:\\"'),
        ("kotlin", 'val x = """\\"""'),
        ("scala", 'val x = s"a"'),
        ("bash", 'x="$(dirname "$0")"'),
        ("javascript", "x.split(/'/"),
    ],
)
def test_a_literal_that_is_closed_is_whole(language: str, text: str):
    assert read_open_tokens(language, text) == [""]


@pytest.mark.parametrize("string", ['"a"', '"' + 100 * "long " + '"'])
def test_nothing_is_completed_in_a_comment_behind_a_string(string: str):
    assert read(f"{ABOVE}    text = {string}").is_completable
    assert not read(f"{ABOVE}    text = {string}  # reply").is_completable


@pytest.mark.parametrize(
    ("language", "text", "open_token"),
    [
        ("rust", "fn first<'", "'"),
        ("rust", "fn first<'a", "'a"),
        ("php", "return $", "$"),
        ("ruby", "return @@na", "@@na"),
        ("javascript", "this.#", "#"),
        ("elixir", "get(:na", ":na"),
        ("powershell", "Get-Chi", "Get-Chi"),
        ("haskell", "foldl'", "foldl'"),
    ],
)
def test_what_begins_a_name_of_the_language_may_go_on_or_be_whole(language: str, text: str, open_token: str):
    assert read_open_tokens(language, text) == [open_token, ""]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "x = 12"),
        ("python", "x ="),
        ("c", "$"),
        ("javascript", "x = /a/"),
        ("ruby", "x.nil?"),
        ("python", "x "),
    ],
)
def test_what_no_letter_can_continue_is_whole(language: str, text: str):
    assert read_open_tokens(language, text) == [""]


def test_an_empty_line_is_read_for_whole_lines_only():
    reading = read(ABOVE + "    ")
    assert [describe(line) for line in reading.lines] == [(["\n"], "", 0)]
    assert not reading.is_completable


def test_nothing_ends_a_line_within_a_word_or_behind_a_comment():
    assert not read(ABOVE + "    return re", after="ply").is_completable
    assert not read(ABOVE + "    return reply  # the").is_completable


def test_hidden_snippets_are_not_counted():
    name_counts = []
    for hidden in (frozenset[bytes](), frozenset([hash_content("def first(reply):\n    return reply.url")])):
        (line,) = read(ABOVE + "    ", hidden=hidden).lines
        name_counts.append([line.document.vocabulary.texts[token] for token in line.document.tokens].count("reply"))
    assert name_counts == [4, 2]


LINES = st.lists(
    st.sampled_from(["a = b(1)", "    c = '''d", "e '''", "", "# f", "    if g:", '"h" + i', "("]), max_size=12
)


@given(LINES, LINES, st.integers(0, 24), st.integers(0, 24), LINES)
@example(["    if g:", "", "a = b(1)"], [], 3, 2, [])  # the line that ended the block is left out
def test_lines_are_read_again_as_if_for_the_first_time(
    above: list[str], below: list[str], first_row: int, second_row: int, inserted: list[str]
):
    vocabulary, reader = TokenVocabulary(), CursorReader()
    snapshot = TokenSnapshot(vocabulary, build_suffix_index([]), (), (), ())
    lines = [*above, *below, "last"]
    for number, row in enumerate((first_row, second_row)):
        document = lines[:row] + inserted * number + lines[row:]
        context = read_context(Cursor(Path("/a.py"), "\n".join(document), "python", min(row, len(document) - 1), 0))
        readings = [each.read(context, snapshot, [], frozenset()) for each in (reader, CursorReader())]
        kept, anew = [reading.lines[0].document for reading in readings if reading]
        assert kept.symbols.tolist() == anew.symbols.tolist()
        assert kept.before.rows.tolist() == anew.before.rows.tolist()
        assert kept.after.rows.tolist() == anew.after.rows.tolist()
        assert kept.before.offsets.tolist() == anew.before.offsets.tolist()


class _Interrupted(list[int]):
    """No documents to exclude; whenever they are listed, another thread's question comes in between."""

    def __init__(self, interrupt: Callable[[], object]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def __iter__(self) -> Iterator[int]:
        self._interrupt()
        return super().__iter__()


def test_a_question_in_another_document_that_comes_between_is_answered_by_its_own_models():
    snapshot, reader = TokenSnapshot(TokenVocabulary(), build_suffix_index([]), (), (), ()), CursorReader()

    def read_names(name: str, excluded: list[int]) -> set[str]:
        context = read_context(Cursor(Path(f"/{name}.py"), f"{name} = 1\n", "python", 1, 0))
        reading = reader.read(context, snapshot, excluded, frozenset())
        assert reading is not None
        return {snapshot.vocabulary.texts[token] for token in reading.lines[0].document.tokens} & {"one", "two"}

    assert read_names("one", _Interrupted(lambda: read_names("two", []))) == {"one"}
    assert read_names("two", []) == {"two"}
    assert read_names("one", []) == {"one"}


def test_a_model_is_kept_while_a_name_is_typed_but_for_another_line_or_version_made_anew():
    snapshot, reader = TokenSnapshot(TokenVocabulary(), build_suffix_index([]), (), (), ()), CursorReader()

    def find_model(text: str) -> NgramModel:
        reading = reader.read(asked(text), snapshot, [], frozenset())
        assert reading is not None
        return reading.lines[0].model

    model = find_model(ABOVE + "    return ")
    for typed in ("r", "re", "rep", "repl", "reply"):
        assert find_model(f"{ABOVE}    return {typed}") is model
    assert find_model(ABOVE.replace("url", "uri") + "    return ") is not model
