"""Read a pasted issue report: its title, what in its body says most, and the places and names in it.

A report is long, and most of its words are about something else: environments, greetings, what was expected. So its
title and its body are two questions, and of the body only the words that say most are asked.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codekin.code.words import split_words
from codekin.search.stack_frames import StackFrame, find_stack_frames

_MAX_TITLE_CHARACTERS = 300
_MAX_BODY_TOKENS = 24  # that are asked: more say less, and each is compared with each name
_MAX_TOKEN_CHARACTERS = 100
_MAX_LINE_CHARACTERS = 1_000
_MAX_PATHS = 24
_CODE_WEIGHT, _MESSAGE_WEIGHT, _PROSE_WEIGHT = 2.0, 2.0, 1.0
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_URL = re.compile(r"https?://\S+")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_ERROR = re.compile(
    r"\b(?:[A-Z]\w*(?:Error|Exception|Warning|Fault)|error|panic(?:ked)?|exception|assertion)\b.*[:!]\s",
    re.IGNORECASE,
)
_TRACE_HEAD = re.compile(
    r"most recent call last|^\s*stack(?:trace| trace| backtrace)?:?\s*$|^goroutine \d", re.IGNORECASE
)
# Headings and checklists of templates, and descriptions of environments.
_FORM = re.compile(
    r"^\W*(?:(?:steps )?to reproduce|(?:expected|actual|current|observed) (?:behaviou?r|results?|outcome)|environment"
    r"|versions?|system info\w*|operating system|os|platform|describe the bug|additional (?:context|info\w*)"
    r"|what happened|what did you (?:do|expect)|checklist|description|summary|screenshots?)\W*(?::.*)?$"
    r"|^\s*[-*] \[[ xX]\]",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W\d]\w*")
_IDENTIFIER = re.compile(r"[^\W\d]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|_\w+")  # of several words, joined
_PATH = re.compile(r"(?<![\w/:.@+-])(?:\.{0,2}/)?(?:[\w@+-][\w.@+-]*/)+[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,6}\b")


@dataclass(frozen=True, slots=True)
class IssueReport:
    """A pasted report, taken apart."""

    title: str  # "" where there is nothing but a body
    body: str
    frames: tuple[StackFrame, ...]  # the innermost first
    paths: tuple[StackFrame, ...]  # named in other ways, without lines


def read_issue_report(question: str) -> IssueReport | None:
    """Split a question into title, body, stack frames and paths; None for one line without frames and paths."""
    lines = [line for line in question.split("\n") if line.strip()]
    frames = tuple(find_stack_frames(question))
    paths = tuple(_find_paths(question))
    if len(lines) < 2 and not frames and not paths:
        return None
    title, body = _split_title(_COMMENT.sub(" ", question).strip())
    return IssueReport(title, body, frames, paths)


def condense(body: str, document_frequency: Callable[[str], int], total: int) -> str:
    """Return the tokens of a report's body that say most, at most 24, each once, in order, joined by blanks.

    Quoted code, identifiers and error messages count more than prose, what is said often more than what is said once,
    and rare words more than frequent ones. Words that the `total` contents do not have say nothing.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for line, line_weight in _weigh_lines(body):
        code = {token for quoted in _INLINE_CODE.findall(line) for token in _TOKEN.findall(quoted)}
        for token in _TOKEN.findall(_URL.sub(" ", line)):
            if 1 < len(token) <= _MAX_TOKEN_CHARACTERS:
                is_code = token in code or _IDENTIFIER.fullmatch(token)
                weights[token] += _CODE_WEIGHT if is_code else line_weight
    scores = {}
    for token, weight in weights.items():
        rarities = [_compute_rarity(document_frequency(word), total) for word in split_words(token)]
        scores[token] = (1 + math.log(weight)) * max(rarities, default=0.0)
    best_tokens = set(sorted(scores, key=lambda token: -scores[token])[:_MAX_BODY_TOKENS])
    return " ".join(token for token in weights if token in best_tokens and scores[token] > 0)


def _split_title(text: str) -> tuple[str, str]:
    """Return (title, body): first line and rest; if that is long or of a trace, an error's line and the whole text."""
    head, _, rest = text.partition("\n")
    if not _TRACE_HEAD.search(head) and len(head) <= _MAX_TITLE_CHARACTERS and not find_stack_frames(head):
        return head.lstrip("#* ").strip(), rest.strip()
    lines = [line for line in text.split("\n") if not _TRACE_HEAD.search(line) and not find_stack_frames(line)]
    messages = [line for line in lines if _is_error(line)] or [line for line in lines if line[:1].strip()]
    return (messages[0].strip()[:_MAX_TITLE_CHARACTERS] if messages else ""), text


def _weigh_lines(body: str) -> Iterator[tuple[str, float]]:
    """Yield (line cut at 1,000 characters, weight): 2 for an error, 1 for prose; no template's headings, no trace."""
    for line in body.split("\n"):
        text = line[:_MAX_LINE_CHARACTERS]
        if not text.strip() or _FENCE.match(text) or _FORM.match(text) or _TRACE_HEAD.search(text):
            continue
        if _is_error(text):
            yield text, _MESSAGE_WEIGHT
        elif not find_stack_frames(text):  # what frames say is no words
            yield text, _PROSE_WEIGHT


def _is_error(line: str) -> bool:
    """Return whether a line has the message of an error."""
    return bool(_ERROR.search(f"{line[:_MAX_LINE_CHARACTERS]} "))


def _find_paths(question: str) -> Iterator[StackFrame]:
    """Yield the first 24 paths with a folder that a text names, as frames without line or function; none from URLs."""
    for match in list(_PATH.finditer(_URL.sub(" ", question)))[:_MAX_PATHS]:
        names = tuple(name for name in match[0].split("/") if name not in ("", ".", ".."))
        yield StackFrame(names, None, "")


def _compute_rarity(frequency: int, total: int) -> float:
    """Return the inverse document frequency, in nats; 0 for a word that no content has."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if frequency else 0.0
