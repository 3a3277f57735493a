"""Hashes of lines without their local names, and the lines on which a continuation of a function may begin.

A line's key is the hash of what it says without its local names, strings and numbers, so that `r = send(req, "a")` and
`reply = send(message, "b")` are the same step. Lines that say nothing (blank, comments, a brace alone) have key 0.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BORDERS = 2  # per function: more found no more first lines (evaluation, 16 repositories), and cost room
_MAX_BODY_DEPTH = 6  # from a definition to its body: decorators, declarators, parameters stand between
_MAX_CACHED_LINES = 65_536  # lines

_LANGUAGE_FAMILIES = {  # languages that copy from one another
    **dict.fromkeys(("typescript", "tsx", "vue", "svelte", "astro", "html"), "javascript"),
    "cpp": "c",
}
_BLOCK_NODE_TYPE = re.compile(
    r"(?:^|_)(?:block|body)$|^(?:statements|body_statement|compound_statement|then|do|else|begin|ensure|suite|chunk)$"
    r"|statement_list|do_group|block_body|clause$|case_(?:statement|item|block)|(?:_|switch_)case$|switch_(?:entry|section)"
)  # nodes whose children are statements
_KEYWORD_PATTERN = (
    "abstract|and|as|assert|async|await|auto|begin|bool|boolean|break|byte|case|catch|char|class|const|constexpr|continue|"
    "def|default|defer|del|delete|die|do|double|each|echo|elif|else|elseif|elsif|end|ensure|enum|except|export|extends|"
    "extern|fallthrough|false|final|finally|float|fn|for|foreach|from|fun|func|function|global|go|goto|guard|if|impl|"
    "implements|import|in|include|init|inline|inout|instanceof|int|interface|internal|is|isset|lambda|lateinit|let|local|"
    "long|loop|match|mod|module|mut|namespace|new|next|nil|nonlocal|none|not|null|object|of|or|override|package|pass|print|"
    "println|private|protected|protocol|public|raise|range|readonly|ref|require|rescue|return|self|short|signed|sizeof|"
    "some|static|string|struct|super|switch|template|then|this|throw|throws|trait|true|try|type|typedef|typename|typeof|"
    "undefined|union|unless|unset|unsigned|until|use|using|val|var|void|volatile|when|where|while|with|yield"
)
# A closed string in quotes of one kind: runs of plain characters and escaped ones, so many at most.
_STRING_TEMPLATE = r"{quote}(?:[^{quote}\\\n]++|\\.){{0,{max_runs}}}+{quote}"
_MAX_ESCAPED_QUOTES = 200  # of a line: each may begin a string that is read to the line's end, which is quadratic time
_MAX_STRING_RUNS = 1000  # of a string on a line with more escaped quotes
_LOCAL_TEMPLATE = r"(?<![\w.>:@]){guard}[a-z_]\w*(?![\w(!]|:(?!\s*$)|\s*::)"
_LOCAL_PATTERN = _LOCAL_TEMPLATE.format(guard=rf"(?!(?:{_KEYWORD_PATTERN})\b)")


def _make_string_pattern(max_runs: str) -> str:
    """Return a pattern for strings in any of three quotes, of up to `max_runs` runs ("": any number)."""
    return "|".join(_STRING_TEMPLATE.format(quote=quote, max_runs=max_runs) for quote in "\"'`")


_STRINGS, _SHORT_STRINGS = (re.compile(_make_string_pattern(max_runs)) for max_runs in ("", str(_MAX_STRING_RUNS)))
# Keywords are found, too: looking each up afterwards takes half as long as the pattern that leaves them out.
_LOCALS_OR_KEYWORDS = re.compile(_LOCAL_TEMPLATE.format(guard=""), re.MULTILINE)
_STRING_OR_LOCAL = re.compile(f"{_make_string_pattern('')}|{_LOCAL_PATTERN}")
_SHORT_STRING_OR_LOCAL = re.compile(f"{_make_string_pattern(str(_MAX_STRING_RUNS))}|{_LOCAL_PATTERN}")
_NUMBER = re.compile(r"\b\d[\w.]*")
_BLANK = re.compile(r"[\s$]+")
_COMMENT = re.compile(r"//|#(?!\s*(?:include|define|if|ifdef|ifndef|endif|else|elif)\b|[\[!])|--|/\*|\*(?!\w)|<!--")
_NAME = re.compile(r"[A-Za-z_]\w*")
# Linear on any line: a word is tried once, and types in angle brackets are read for so many characters only.
_CALL_OR_MEMBER = re.compile(
    r"(?<!\w)[^\WA-Za-z_]*+([A-Za-z_]\w*+)[!?]?\s*+(?:<[\w, <>\[\]]{0,200}>)?\(|[.:>]([A-Za-z_]\w*)"
)
_KEYWORDS = frozenset(_KEYWORD_PATTERN.split("|"))


@dataclass(frozen=True, slots=True)
class LineHashes:
    """The hashes of a content's lines, and the lines on which a continuation begins."""

    keys: tuple[int, ...]  # uint32, one a line
    borders: tuple[int, ...]

    def pack(self) -> bytes:
        """Return the bytes that stores keep, in native byte order: border count, borders (uint16), keys (uint32)."""
        return array("H", (len(self.borders), *self.borders)).tobytes() + array("I", self.keys).tobytes()


def unpack_line_hashes(packed: bytes) -> LineHashes:
    """Return the line hashes that `pack` made bytes of. Raises ValueError where `packed` is cut short."""
    if len(packed) < 2:
        raise ValueError("line hashes without their length")
    border_count = array("H", packed[:2])[0]
    borders, keys = array("H", packed[2 : 2 + 2 * border_count]), array("I", packed[2 + 2 * border_count :])
    if len(borders) < border_count:
        raise ValueError("line hashes that are cut short")
    return LineHashes(tuple(keys), tuple(borders))


def hash_content_lines(text: str, language: str, borders: Sequence[int] = ()) -> LineHashes:
    """Return LineHashes of a content: each line's hash, and these borders but those beyond line 65,535."""
    hasher = make_line_hasher(language)
    return LineHashes(
        tuple(map(hasher.__getitem__, text.split("\n"))), tuple(border for border in borders if border < 65_536)
    )


def choose_split_points(borders: Sequence[int]) -> tuple[int, ...]:
    """Return up to two of the borders, where a continuation vector is made: after the signature, and halfway."""
    middle_border = borders[len(borders) // 2 :][:1] if len(borders) > 2 else ()
    return (*borders[:1], *middle_border)[:MAX_BORDERS]


def find_statement_rows(node: "Node", end_row: int) -> tuple[int, ...]:
    """Return the rows before `end_row` on which statements of a definition's body begin; () if no body is found."""
    body_node = _find_body(node)
    if body_node is None:
        return ()
    has_opening_brace = (
        bool(body_node.children) and not body_node.children[0].is_named
    )  # by a brace, after which a statement may follow
    previous_row, rows = body_node.start_point[0] if has_opening_brace else node.start_point[0], []
    for child_node in body_node.named_children:
        first_row, (last_row, end_column) = child_node.start_point[0], child_node.end_point
        if previous_row < first_row < end_row and "comment" not in child_node.type:
            rows.append(first_row)
        previous_row = last_row - 1 if end_column == 0 and last_row > first_row else last_row
    return tuple(rows)


def find_all_statement_rows(root_node: "Node", start_row: int, end_row: int) -> list[int]:
    """Return all rows strictly between `start_row` and `end_row` on which a statement begins, at any depth, sorted."""
    rows: set[int] = set()
    pending_nodes = [root_node]
    while pending_nodes:
        parent = pending_nodes.pop()
        is_block = _is_block_type(parent.type)
        children = parent.children
        previous_row = -1 if is_block else parent.start_point[0]
        for child_node in children[bisect_left(children, start_row, key=lambda child_node: child_node.end_point[0]) :]:
            first_row, last_row = child_node.start_point[0], child_node.end_point[0]
            if first_row >= end_row:
                break
            starts_statement = is_block and child_node.is_named and start_row < first_row and first_row > previous_row
            if starts_statement and "comment" not in child_node.type and not _is_block_type(child_node.type):
                rows.add(first_row)
            previous_row = last_row
            if first_row != last_row or first_row > parent.start_point[0]:
                pending_nodes.append(child_node)
    return sorted(rows)


@cache
def _is_block_type(node_type: str) -> bool:
    """Return whether nodes of this type hold statements."""
    return _BLOCK_NODE_TYPE.search(node_type) is not None


def _find_body(node: "Node") -> "Node | None":
    """Return a definition's body: the last block on the first level that has one; None if six levels have none."""
    level_nodes = [node]
    for _ in range(_MAX_BODY_DEPTH):
        inner_nodes = [child_node for parent in level_nodes for child_node in parent.named_children]
        block_nodes = [child_node for child_node in inner_nodes if _is_block_type(child_node.type)]
        if block_nodes:
            inner_statements = block_nodes[-1].named_children
            # The body of Kotlin's, Swift's and Ruby's functions may hold another block and nothing else.
            return (
                inner_statements[0]
                if len(inner_statements) == 1 and _is_block_type(inner_statements[0].type)
                else block_nodes[-1]
            )
        level_nodes = [child_node for child_node in inner_nodes if child_node.start_point[0] != child_node.end_point[0]]
    return None


class _LineHasher(dict[str, int]):
    """Mapping from a line to its hash (0 for a line without content), computed on first use and cached."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self._seed = crc32(family.encode())

    def __missing__(self, line: str) -> int:
        if len(self) >= _MAX_CACHED_LINES:
            self.clear()
        line_hash = self[line] = self._hash_line(line.strip())
        return line_hash

    def _hash_line(self, line: str) -> int:
        """Return the hash of a stripped line, locals and literals abstracted; 0 for a blank, a comment or a lone {."""
        if not line or line == "{" or _COMMENT.match(line):
            return 0
        abstracted_line = _NUMBER.sub("0", _LOCALS_OR_KEYWORDS.sub(_abstract_local, _replace_strings(line, '"')))
        return crc32(_BLANK.sub("", abstracted_line).encode("utf-8", "replace"), self._seed) or 1


def _abstract_local(match: re.Match[str]) -> str:
    """Return what stands for a matched name: `v` for a local one, itself for a keyword."""
    return match[0] if match[0] in _KEYWORDS else "v"


_HASHERS: dict[str, _LineHasher] = {}


def language_family(language: str) -> str:
    """Return the family of a language, by default itself; languages of one family hash equal lines equally."""
    return _LANGUAGE_FAMILIES.get(language, language)


def make_line_hasher(language: str) -> _LineHasher:
    """Return the family's shared mapping from a line to its hash; 0 for a line without content."""
    name = language_family(language)
    if name not in _HASHERS:
        _HASHERS[name] = _LineHasher(name)
    return _HASHERS[name]


@lru_cache(maxsize=_MAX_CACHED_LINES)
def find_local_names(line: str) -> tuple[str, ...]:
    """Return names that may be local, in order, with repeats: neither called, members, capitalised nor in strings."""
    names = _LOCALS_OR_KEYWORDS.findall(_replace_strings(line, '""'))
    return tuple(name for name in names if name not in _KEYWORDS)


def find_names(line: str) -> list[str]:
    """Return all names in the line, in order, with repetitions; none that are keywords, or in strings."""
    return [name for name in _NAME.findall(_replace_strings(line, '""')) if name not in _KEYWORDS]


@lru_cache(maxsize=_MAX_CACHED_LINES)
def find_calls(line: str) -> tuple[str, ...]:
    """Return the names of functions the line calls and of members it accesses, in order, with repeats; cached."""
    return tuple(
        called_name or member_name for called_name, member_name in _CALL_OR_MEMBER.findall(_replace_strings(line, '"'))
    )


def rename_locals(line: str, names: dict[str, str]) -> str:
    """Return the line with lower-case names replaced as `names` maps them, but for members, called ones, strings."""
    pattern = _SHORT_STRING_OR_LOCAL if _has_many_escaped_quotes(line) else _STRING_OR_LOCAL
    return pattern.sub(lambda match: names.get(match[0], match[0]), line) if names else line


def blank_strings(line: str) -> str:
    """Return the line with its string literals replaced by `""`."""
    return _replace_strings(line, '""')


def _replace_strings(line: str, replacement: str) -> str:
    """Return the line with each string literal replaced by `replacement`, in linear time."""
    return (_SHORT_STRINGS if _has_many_escaped_quotes(line) else _STRINGS).sub(replacement, line)


def _has_many_escaped_quotes(line: str) -> bool:
    """Return whether the line has so many escaped quotes that unbounded patterns would take quadratic time."""
    return "\\" in line and sum(line.count("\\" + quote) for quote in "\"'`") > _MAX_ESCAPED_QUOTES
