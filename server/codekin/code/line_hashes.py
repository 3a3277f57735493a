"""Hashes of lines without their local names, and the lines on which a continuation of a function may begin.

A line's key is the hash of what it says without its local names, strings and numbers, so that `r = send(req, "a")` and
`reply = send(message, "b")` are the same step. Lines that say nothing (blank, comments, a brace alone) have key 0.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BORDERS = 2  # per function: more found no more first lines (evaluation, 16 repositories), and cost room
_DEPTH = 6  # from a definition to its body: decorators, declarators, parameters stand between
_CACHED = 65_536  # lines

_FAMILIES = {"typescript": "javascript", "tsx": "javascript", "cpp": "c"}  # which copy from one another
_BLOCK = re.compile(
    r"(?:^|_)(?:block|body)$|^(?:statements|body_statement|compound_statement|then|do|else|begin|ensure|suite|chunk)$"
    r"|statement_list|do_group|block_body|clause$|case_(?:statement|item|block)|(?:_|switch_)case$|switch_(?:entry|section)"
)  # nodes whose children are statements
_NOT_LOCAL = (
    "abstract|and|as|assert|async|await|auto|begin|bool|boolean|break|byte|case|catch|char|class|const|constexpr|continue|"
    "def|default|defer|del|delete|die|do|double|each|echo|elif|else|elseif|elsif|end|ensure|enum|except|export|extends|"
    "extern|fallthrough|false|final|finally|float|fn|for|foreach|from|fun|func|function|global|go|goto|guard|if|impl|"
    "implements|import|in|include|init|inline|inout|instanceof|int|interface|internal|is|isset|lambda|lateinit|let|local|"
    "long|loop|match|mod|module|mut|namespace|new|next|nil|nonlocal|none|not|null|object|of|or|override|package|pass|print|"
    "println|private|protected|protocol|public|raise|range|readonly|ref|require|rescue|return|self|short|signed|sizeof|"
    "some|static|string|struct|super|switch|template|then|this|throw|throws|trait|true|try|type|typedef|typename|typeof|"
    "undefined|union|unless|unset|unsigned|until|use|using|val|var|void|volatile|when|where|while|with|yield"
)
_QUOTED = (rf"{quote}(?:[^{quote}\\\n]|\\.)*{quote}" for quote in "\"'`")
_STRING = "|".join(_QUOTED)
_LOCAL = rf"(?<![\w.>:@])(?!(?:{_NOT_LOCAL})\b)[a-z_]\w*(?![\w(!]|:(?!\s*$)|\s*::)"
_STRINGS, _LOCALS = re.compile(_STRING), re.compile(_LOCAL, re.MULTILINE)
_EITHER = re.compile(f"{_STRING}|{_LOCAL}")
_NUMBER = re.compile(r"\b\d[\w.]*")
_BLANK = re.compile(r"[\s$]+")
_COMMENT = re.compile(r"//|#(?!\s*(?:include|define|if|ifdef|ifndef|endif|else|elif)\b|[\[!])|--|/\*|\*(?!\w)|<!--")
_NAME = re.compile(r"[A-Za-z_]\w*")
# Linear on any line: a word is tried once, and types in angle brackets are read for so many characters only.
_CALLED = re.compile(r"(?<!\w)[^\WA-Za-z_]*+([A-Za-z_]\w*+)[!?]?\s*+(?:<[\w, <>\[\]]{0,200}>)?\(|[.:>]([A-Za-z_]\w*)")
_KEYWORDS = frozenset(_NOT_LOCAL.split("|"))


@dataclass(frozen=True, slots=True)
class LineHashes:
    """The hashes of a content's lines, and the lines on which a continuation begins."""

    keys: tuple[int, ...]  # uint32, one a line
    borders: tuple[int, ...]

    def pack(self) -> bytes:
        """Pack in this machine's byte order: the borders' number (uint16), borders (uint16), keys (uint32)."""
        return array("H", (len(self.borders), *self.borders)).tobytes() + array("I", self.keys).tobytes()


def unpack(packed: bytes) -> LineHashes:
    """Unpack line hashes. Raises ValueError where `packed` is damaged."""
    if len(packed) < 2:
        raise ValueError("a course without its length")
    count = array("H", packed[:2])[0]
    borders, keys = array("H", packed[2 : 2 + 2 * count]), array("I", packed[2 + 2 * count :])
    if len(borders) < count:
        raise ValueError("a course that is cut short")
    return LineHashes(tuple(keys), tuple(borders))


def hash_content_lines(text: str, language: str, borders: Sequence[int] = ()) -> LineHashes:
    """Hash the lines of a content in that language."""
    key = make_line_hasher(language)
    return LineHashes(
        tuple(map(key.__getitem__, text.split("\n"))), tuple(border for border in borders if border < 65_536)
    )


def choose_split_points(borders: Sequence[int]) -> tuple[int, ...]:
    """Choose the borders that get a continuation vector: after the signature, and halfway."""
    half = borders[len(borders) // 2 :][:1] if len(borders) > 2 else ()
    return (*borders[:1], *half)[:MAX_BORDERS]


def find_statement_rows(node: "Node", end: int) -> tuple[int, ...]:
    """Return the rows before `end` on which the statements of a definition's body begin; () if it has no such body."""
    body = _body(node)
    if body is None:
        return ()
    opened = bool(body.children) and not body.children[0].is_named  # by a brace, after which a statement may follow
    previous, rows = body.start_point[0] if opened else node.start_point[0], []
    for child in body.named_children:
        first = child.start_point[0]
        if previous < first < end and "comment" not in child.type:
            rows.append(first)
        previous = max(child.end_point[0] - (child.end_point[1] == 0), first)
    return tuple(rows)


def find_all_statement_rows(root: "Node", start: int, end: int) -> list[int]:
    """Return all rows in (start, end) on which a statement begins, at any depth."""
    rows: set[int] = set()
    stack = [root]
    while stack:
        parent = stack.pop()
        is_block = _BLOCK.search(parent.type) is not None
        children = parent.children
        previous = -1 if is_block else parent.start_point[0]
        for child in children[bisect_left(children, start, key=lambda child: child.end_point[0]) :]:
            first, last = child.start_point[0], child.end_point[0]
            if first >= end:
                break
            starts = is_block and child.is_named and start < first and first > previous
            if starts and "comment" not in child.type and not _BLOCK.search(child.type):
                rows.add(first)
            previous = last
            if first != last or first > parent.start_point[0]:
                stack.append(child)
    return sorted(rows)


def _body(node: "Node") -> "Node | None":
    """Return the block that is the definition's body: the last one on the first level that has one."""
    level = [node]
    for _ in range(_DEPTH):
        inner = [child for parent in level for child in parent.named_children]
        blocks = [child for child in inner if _BLOCK.search(child.type)]
        if blocks:
            only = blocks[-1].named_children
            # The body of Kotlin's, Swift's and Ruby's functions may hold another block and nothing else.
            return only[0] if len(only) == 1 and _BLOCK.search(only[0].type) else blocks[-1]
        level = [child for child in inner if child.start_point[0] != child.end_point[0]]
    return None


class _Keys(dict[str, int]):
    """Cache of line hashes: half of a code base's lines occur more than once."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self._seed = crc32(family.encode())

    def __missing__(self, line: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        found = self[line] = self._key(line.strip())
        return found

    def _key(self, line: str) -> int:
        if not line or line == "{" or _COMMENT.match(line):
            return 0
        abstract = _NUMBER.sub("0", _LOCALS.sub("v", _STRINGS.sub('"', line)))
        return crc32(_BLANK.sub("", abstract).encode("utf-8", "replace"), self._seed) or 1


_KEYS: dict[str, _Keys] = {}


def language_family(language: str) -> str:
    """Return the family of a language; languages of one family hash equal lines equally."""
    return _FAMILIES.get(language, language)


def make_line_hasher(language: str) -> _Keys:
    """Return a mapping from a line of this language to its hash; 0 for a line without content."""
    name = language_family(language)
    if name not in _KEYS:
        _KEYS[name] = _Keys(name)
    return _KEYS[name]


@lru_cache(maxsize=_CACHED)
def find_local_names(line: str) -> tuple[str, ...]:
    """Return names that may be local, in order: not called, not members, not capitalised, not in strings."""
    return tuple(_LOCALS.findall(_STRINGS.sub('""', line)))


def find_names(line: str) -> list[str]:
    """Return all names in the line, without keywords and the contents of strings."""
    return [name for name in _NAME.findall(_STRINGS.sub('""', line)) if name not in _KEYWORDS]


@lru_cache(maxsize=_CACHED)
def find_calls(line: str) -> tuple[str, ...]:
    """Return the functions that the line calls and the members it names, in order."""
    return tuple(called or member for called, member in _CALLED.findall(_STRINGS.sub('"', line)))


def rename_locals(line: str, names: dict[str, str]) -> str:
    """Replace local names in the line; strings stay unchanged."""
    return _EITHER.sub(lambda found: names.get(found[0], found[0]), line) if names else line


def blank_strings(line: str) -> str:
    """Return the line with its strings emptied."""
    return _STRINGS.sub('""', line)
