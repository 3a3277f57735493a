"""Questions for definitions: the name of a type or function that other names resemble."""

from collections.abc import Iterator
from hashlib import sha256

from codekin.evaluation.harvest.source_tree import SourceTree
from codekin.evaluation.repositories import Target
from codekin.types import SnippetKind

_FORMS = ("{}", "where is {} defined", "definition of {}", "{} {kind}")
_MIN_NAME_CHARACTERS = 4
_MIN_RESEMBLING_NAMES = 2  # that contain the name


def ask_definitions(tree: SourceTree) -> Iterator[tuple[str, Target]]:
    """Yield (question, place) of names defined once, of ≥ 4 letters, that two other names contain; in a fixed order."""
    lowercase_names = sorted({name.lower() for name in tree.definitions})
    all_names = "\n".join(lowercase_names)
    for name in sorted(tree.definitions, key=_hash_text):
        places = tree.definitions[name]
        if len(places) > 1 or len(name) < _MIN_NAME_CHARACTERS:
            continue
        if all_names.count(name.lower()) <= _MIN_RESEMBLING_NAMES:
            continue
        path, snippet = places[0]
        form = _FORMS[int(_hash_text(name)[:8], 16) % len(_FORMS)]
        kind = "class" if snippet.kind is SnippetKind.CLASS else "function"
        yield form.format(name, kind=kind), Target(path, snippet.span)


def _hash_text(text: str) -> str:
    """Return a hash in hexadecimal digits, which sorts texts in a fixed but arbitrary order."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
