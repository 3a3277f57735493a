"""A line's probability is the product of its tokens', and the likeliest lines are those that the code base has."""

import math

import pytest

from codekin.completion.cursor_line import CursorLine
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.line_scorer import LineScorer, NameUse
from codekin.completion.line_tokens import TokenVocabulary, read_line_tokens
from codekin.completion.ngram import NgramModel
from codekin.completion.suffix_index import build_suffix_index

from .contexts import asked

SOURCE = "reply = session.get(url)\nreply.raise_for_status()\nreturn reply.json()\n"
ABOVE = "def load():\n    reply = session.get(url)\n"


@pytest.fixture(name="model")
def _model() -> tuple[NgramModel, DocumentTokens]:
    vocabulary = TokenVocabulary()
    tokens = [read_line_tokens(text, "python", vocabulary) for text in (SOURCE * 3, ABOVE, "")]
    source, above, below = [line_tokens for line_tokens in tokens if line_tokens is not None]
    document = DocumentTokens(above, below, vocabulary, 0)
    return NgramModel(document, build_suffix_index([source.symbols]), []), document


@pytest.fixture(name="scorer")
def _scorer(model: tuple[NgramModel, DocumentTokens]) -> LineScorer:
    ngram_model, document = model
    return LineScorer(CursorLine(document, ngram_model, "", 0), asked(ABOVE + "    "), {})


def test_a_line_has_the_product_of_its_tokens_probabilities(
    scorer: LineScorer, model: tuple[NgramModel, DocumentTokens]
):
    ngram_model, document = model
    score = scorer.score("    reply.raise_for_status()")
    context, expected = document.make_context(), list[float]()
    line_tokens = read_line_tokens("reply.raise_for_status()\n", "python", document.vocabulary)
    assert line_tokens is not None
    for symbol in line_tokens.symbols.tolist():
        predictions = dict(ngram_model.predict(context))
        expected.append(math.log(predictions[symbol]))
        context = context.extended(symbol >> 1, document.vocabulary)
    assert score.tokens == len(expected) == 6
    assert score.total == pytest.approx(sum(expected))
    assert score.least == pytest.approx(min(expected))
    assert score.first == pytest.approx(expected[0])


def test_what_the_code_base_goes_on_with_is_most_probable(scorer: LineScorer):
    lines = ["reply.raise_for_status()", "return reply.json()", "reply = session.get(url)", "unknown_name(17)"]
    totals = [scorer.score(line).total for line in lines]
    assert max(totals) == totals[0]
    assert min(totals) == totals[3]
    assert all(total < 0 for total in totals)


def test_other_white_space_is_less_probable_but_known(scorer: LineScorer):
    usual, spaced, unknown = (scorer.score(line).total for line in ("return reply", "return  reply", "return zzz"))
    assert usual == spaced  # a token is preceded by white space or not, however much
    assert scorer.score("reply .raise_for_status()").total < scorer.score("reply.raise_for_status()").total
    assert unknown < usual


@pytest.mark.parametrize("line", ["", "   ", "# a comment"])
def test_a_line_without_tokens_has_none(scorer: LineScorer, line: str):
    assert scorer.score(line).tokens == 0


def test_long_lines_are_bounded(scorer: LineScorer):
    assert scorer.score("call(" + ", ".join("argument" for _ in range(500)) + ")").tokens == 30


def test_written_lines_are_what_the_code_base_goes_on_with_the_most_probable_first(scorer: LineScorer):
    written = scorer.write_lines(5)
    assert written[0].text == "reply.raise_for_status()"
    totals = [scorer.score(line.text).total for line in written]
    assert totals == sorted(totals, reverse=True)
    assert len({line.text for line in written}) == len(written) <= 5
    assert [line.text for line in scorer.write_lines(1)] == [written[0].text]


def test_no_line_is_written_where_one_is_begun(model: tuple[NgramModel, DocumentTokens]):
    ngram_model, document = model
    scorer = LineScorer(CursorLine(document, ngram_model, "", 0), asked(ABOVE + "    reply"), {})
    assert scorer.write_lines(5) == []


def test_of_a_begun_line_the_rest_is_scored(model: tuple[NgramModel, DocumentTokens]):
    ngram_model, document = model
    whole = LineScorer(CursorLine(document, ngram_model, "", 0), asked(ABOVE + "    "), {})
    begun = LineScorer(CursorLine(document, ngram_model, "", 2), asked(ABOVE + "    reply."), {})
    assert begun.score("reply.raise_for_status()").tokens == whole.score("reply.raise_for_status()").tokens - 2


BLOCKS = "if first():\n    go(1)\nwait(2)\nif second():\n    go(1)\nwait(2)\nif third():\n    go(1)\nwait(2)\n"


@pytest.mark.parametrize("indentation, is_ended, expected", [("    ", False, ["go(1)"]), ("", True, ["wait(2)"])])
def test_lines_of_another_block_are_not_written(indentation: str, is_ended: bool, expected: list[str]):
    vocabulary, above = TokenVocabulary(), "if fourth():\n    go(1)\n"
    tokens = [read_line_tokens(text, "python", vocabulary) for text in (BLOCKS, above, "")]
    source, tokens_above, below = [line_tokens for line_tokens in tokens if line_tokens is not None]
    document = DocumentTokens(tokens_above, below, vocabulary, 0, is_ended)
    ngram_model = NgramModel(document, build_suffix_index([source.symbols]), [])
    scorer = LineScorer(CursorLine(document, ngram_model, "", 0), asked(above + indentation), {})
    assert [line.text for line in scorer.write_lines(1)] == expected
    assert scorer.may_end_block() == (not is_ended)


def test_no_block_ends_in_the_first_column():
    vocabulary, above = TokenVocabulary(), "import os\n\ngo(1)\n"
    tokens = [read_line_tokens(text, "python", vocabulary) for text in (BLOCKS, above, "")]
    source, tokens_above, below = [line_tokens for line_tokens in tokens if line_tokens is not None]
    document = DocumentTokens(tokens_above, below, vocabulary, 0)
    ngram_model = NgramModel(document, build_suffix_index([source.symbols]), [])
    assert not LineScorer(CursorLine(document, ngram_model, "", 0), asked(above), {}).may_end_block()


def test_a_name_that_was_introduced_is_likely_to_be_used(model: tuple[NgramModel, DocumentTokens]):
    ngram_model, document = model
    context = asked("def load(session):\n    reply = session.get(url)\n    found = reply.json()\n    ")
    scorer = LineScorer(CursorLine(document, ngram_model, "", 0), context, {})
    assert scorer.find_name_use("return found") == NameUse(1, True, False, False)
    assert scorer.find_name_use("reply = session.get( url )") == NameUse(1, False, True, True)  # url is used once
