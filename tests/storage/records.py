"""Records of small files, and all that a store answers."""

from pathlib import Path

from codekin.code.lines import hash_content
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.store import Store
from codekin.types import SnippetKind, Span

FILES = [Path(f"/w/{folder}/{name}.py") for folder in ("a", "b") for name in ("x", "y", "z")]
TEXTS = ["def alpha(): pass", "def beta(): return alpha()", "class Gamma: pass", "def delta(): pass"]


def record(path: Path, texts: list[str], *, overlay: bool = False, language: str = "python") -> FileRecord:
    """A file whose snippets stand one below the other."""
    rows = []
    for i, text in enumerate(texts):
        name = text.split()[1].rstrip("():")
        words = " ".join(text.lower().replace("(", " ").replace(")", " ").replace(":", " ").split())
        rows.append(
            SnippetRecord(name, name, SnippetKind.FUNCTION, Span(2 * i, 2 * i + 1), 2 * i, 0, hash_content(text), words)
        )
    state = FileState(sum(map(len, texts)), 1, hash_content("\n".join(texts)), overlay)
    return FileRecord(path, language, state, tuple(rows))


def contents(store: Store) -> object:
    """All that a question can see, without the numbers that depend on history."""
    hashes = dict(store.contents_after(0))
    files = {
        path: (state, [(p.span, p.name, p.kind, hashes[p.content]) for p in store.locations_in(path)])
        for path, state in store.file_states().items()
    }
    matches = {
        word: sorted(
            (hashes[match.content], match.score, place.path, place.span.start)
            for match in store.match_words([word], 100)
            for place in store.locations_of([match.content])[match.content]
        )
        for word in ("alpha", "beta", "gamma", "delta", "return")
    }
    return files, matches, store.count_contents(), sorted(hashes.values())
