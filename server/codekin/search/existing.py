"""Says whether code, or what a description asks for, stands in the workspace already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from codekin.code.extract import extract_snippets
from codekin.types import Answer, Hit, Kinship, Snippet, SnippetKind, Span

MIN_LIKELY = 0.5  # calibrated probability from which on "it exists" is the better bet
_MIN_POSSIBLE = 0.2  # from which on it is worth a look: one in five
# The same for a description, of which a place as good as the one that is known is often another. Of 7,499 answers to
# harvested questions 10 % of those below .1 named the known place first, 43 % of those between .3 and .5; of 2,850
# questions that no code answers 44 were answered, three in four of these below .2.
_MIN_DESCRIBED_LIKELY, _MIN_DESCRIBED_POSSIBLE = 0.3, 0.05
_MIN_TELLING_LINES = 3  # of a function: shorter ones are alike by chance, and say nothing beside longer ones
_MAX_MATCHES = 5  # places that are named for one function


class ExistenceVerdict(StrEnum):
    """Whether something stands in the workspace already."""

    YES = "yes"  # shown by its structure
    LIKELY = "likely"  # by words and meaning
    POSSIBLE = "possible"  # less likely than not, and worth a look
    NO = "no"


@dataclass(frozen=True, slots=True)
class Existence:
    """The verdict on one function, or on a description."""

    name: str  # "" of a description, and of code without a name
    line: int  # 0-based, in the given code
    verdict: ExistenceVerdict
    probability: float  # that the best match is what was asked for, 0 … 1
    matches: tuple[Hit, ...]  # best first; of a function's "no", the nearest there is
    team_problem: str = ""  # why the team's index did not answer, with a remedy


def list_functions(code: str, language: str) -> list[Snippet]:
    """Return the code's functions of 3 or more lines, else all, else the whole as one snippet; [] if it is empty."""
    snippets = extract_snippets(code, language)
    functions = [snippet for snippet in snippets if snippet.kind.is_function and snippet.part < 2]
    if functions or not snippets:
        telling = [snippet for snippet in functions if snippet.span.end - snippet.span.start >= _MIN_TELLING_LINES]
        return telling or functions
    line_count = code.count("\n") + 1
    return [Snippet("", "", SnippetKind.LINES, language, Span(0, line_count), 0, "", code)]


def guess_language(code: str, languages: Sequence[str]) -> str:
    """Return which of `languages` puts most lines of the code in functions, the first if equal; "" if none given."""
    return max(languages, key=lambda language: _count_function_lines(code, language), default="")


def _count_function_lines(code: str, language: str) -> int:
    """Return the number of the code's lines that are in functions, when it is parsed as `language`."""
    snippets = extract_snippets(code, language)
    return sum(snippet.span.end - snippet.span.start for snippet in snippets if snippet.kind.is_function)


def judge_function(function: Snippet, clones: Sequence[Hit], find_similar: Callable[[Snippet], Answer]) -> Existence:
    """Return a function's Existence: YES with `clones` if any, else by the hits of `find_similar`, then called."""
    line = function.name_line
    if clones:
        return Existence(
            function.qualified_name, line, ExistenceVerdict.YES, clones[0].score, tuple(clones[:_MAX_MATCHES])
        )
    answer = find_similar(function)
    related = tuple(hit for hit in answer.hits if hit.kinship not in (None, Kinship.SIMILAR))
    if related:
        return Existence(function.qualified_name, line, ExistenceVerdict.YES, related[0].score, related[:_MAX_MATCHES])
    return _judge_by_score(function.qualified_name, line, answer)


def judge_description(answer: Answer) -> Existence:
    """Return a description's Existence by the first hit's score: LIKELY from .3, POSSIBLE from .05, else a bare NO."""
    worthy = tuple(hit for hit in answer.hits if hit.score >= _MIN_DESCRIBED_POSSIBLE)
    return _judge_by_score("", 0, replace(answer, hits=worthy), _MIN_DESCRIBED_LIKELY, _MIN_DESCRIBED_POSSIBLE)


def _judge_by_score(
    name: str, line: int, answer: Answer, min_likely: float = MIN_LIKELY, min_possible: float = _MIN_POSSIBLE
) -> Existence:
    """Return an Existence by the first hit's score, with up to 5 hits that reach its threshold, else the first."""
    hits = answer.hits
    probability = hits[0].score if hits else 0.0
    verdict = (
        ExistenceVerdict.LIKELY
        if probability >= min_likely
        else ExistenceVerdict.POSSIBLE
        if hits and probability >= min_possible
        else ExistenceVerdict.NO
    )
    min_score = {ExistenceVerdict.LIKELY: min_likely, ExistenceVerdict.POSSIBLE: min_possible}.get(verdict, 1.0)
    likely = tuple(hit for hit in hits[:_MAX_MATCHES] if hit.score >= min_score)
    return Existence(name, line, verdict, probability, likely or hits[:1], answer.team_problem)
