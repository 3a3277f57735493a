"""Questions from documentation: a section's heading or first sentence, answered by the files whose names it uses."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from codekin.evaluation.harvest.source_tree import SourceTree

_ENDINGS = (".md", ".mdx", ".rst", ".adoc", ".markdown")
_OTHER_PAGES = re.compile(
    r"change|history|news|licen|contribut|conduct|release|upgrad|migrat|security|author", re.IGNORECASE
)
_HEADING = re.compile(
    r"^#{1,6}\s+(.+?)\s*#*$|^(\S.*)\n(?:={4,}|-{4,}|~{4,}|\^{4,}|\*{4,})\s*$|^={1,5}\s+(.+)$", re.MULTILINE
)
_CODE = re.compile(r"```.*?```|``?[^`\n]+``?|(?:^(?: {4}|\t).*\n?)+", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w{3,}")
_MARKUP = re.compile(r"<[^>]+>|!?\[([^\]]*)\]\([^)]*\)|:\w+:`~?([^`]*)`|[`*_{}]+")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s|\n\s*\n")
_MIN_NAMES = 2  # of one file, that a section must use
_MIN_HEADING_WORDS, _MAX_SENTENCE_CHARACTERS = 3, 200


def ask_documentation(tree: SourceTree) -> Iterator[tuple[str, list[str]]]:
    """Yield (question, paths) of sections whose code has two names of one file or more; no changelogs or the like."""
    pages = [path for path in tree.files if path.endswith(_ENDINGS) and not _OTHER_PAGES.search(path)]
    defining_file = {
        name: places[0][0] for name, places in tree.definitions.items() if len({path for path, _ in places}) == 1
    }
    texts = tree.read_texts(pages)
    for page in pages:
        for heading, body in _split_sections(texts.get(page, "")):
            paths = _find_described_files(body, defining_file)
            question = _make_question(heading, body, PurePosixPath(page).stem)
            if paths and question:
                yield question, paths


def _split_sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield (heading, text up to the next heading) of a page in Markdown, reStructuredText or AsciiDoc."""
    matches = list(_HEADING.finditer(_blank_code(text)))
    for position, match in enumerate(matches):
        end = matches[position + 1].start() if position + 1 < len(matches) else len(text)
        yield next(filter(None, match.groups())), text[match.end() : end]


def _blank_code(text: str) -> str:
    """Return the text with blanks for fenced code, in which # begins comments; offsets stay."""
    return re.sub(r"```.*?```", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL)


def _find_described_files(body: str, defining_file: Mapping[str, str]) -> list[str]:
    """Return the one or two files that define most of the names in the section's code; [] without two of a file."""
    names = {name for code in _CODE.findall(body) for name in _NAME.findall(code)}
    counts = Counter(defining_file[name] for name in sorted(names) if name in defining_file)
    best_files = counts.most_common(3)
    if not best_files or best_files[0][1] < _MIN_NAMES:
        return []
    paths = [path for path, count in best_files if count == best_files[0][1]]
    return paths if len(paths) < len(best_files) or len(paths) < 3 else []


def _make_question(heading: str, body: str, page_name: str) -> str:
    """Return a heading of three words, else the section's first sentence of four, else page name and heading; or ""."""
    title = _strip_markup(heading)
    if len(title.split()) >= _MIN_HEADING_WORDS:
        return title
    prose = _strip_markup(_CODE.sub(" ", body.strip())).strip()
    sentence = _SENTENCE_END.split(prose, maxsplit=1)[0].strip()
    if len(sentence.split()) > _MIN_HEADING_WORDS and len(sentence) <= _MAX_SENTENCE_CHARACTERS:
        return sentence
    return f"{page_name.replace('-', ' ').replace('_', ' ')} {title}" if len(title.split()) > 1 else ""


def _strip_markup(text: str) -> str:
    """Return the text without links, roles, tags and emphasis, on one line."""
    return " ".join(_MARKUP.sub(lambda match: match[1] or match[2] or " ", text).split())
