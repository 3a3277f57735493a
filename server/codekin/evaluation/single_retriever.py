"""Measure the lexical and the dense retriever separately, over codekin's own index."""

from codekin.code.lines import hash_content
from codekin.embed.factory import load_light_model
from codekin.engine import Engine
from codekin.index.index import Index
from codekin.search.dense import DenseRetriever
from codekin.search.lexical import LexicalRetriever
from codekin.storage.paths import locate_index
from codekin.types import Candidate, Query, Task

_K = 10


class SingleRetrievers:
    """The lexical and the dense retriever on an engine's index, queried separately."""

    def __init__(self, engine: Engine) -> None:
        """Open the engine's index a second time, with the light model; it must be up to date."""
        paths = locate_index(engine.status().roots, engine.settings)
        embedder = load_light_model(engine.settings.model)
        self._index = Index(paths, embedder.space(Task.CODE2CODE), embedder.dim, lambda _: None)
        self._index.follow()
        self._lexical = LexicalRetriever(self._index)
        self._dense = DenseRetriever(self._index, embedder)

    def find_ranks(self, code: str, target_text: str) -> tuple[int | None, int | None]:
        """Search for `code` by words, and by vectors; return the target text's rank, from 1, in each, or None."""
        query, target_content = Query(code, Task.CODE2CODE), self._index.store.find_content(hash_content(target_text))
        return _find_rank(self._lexical.search(query, _K), target_content), _find_rank(
            self._dense.search(query, _K), target_content
        )

    def close(self) -> None:
        """Close this second index; the engine's stays open."""
        self._index.close()


def _find_rank(candidates: list[Candidate], content: int | None) -> int | None:
    """Return the rank, from 1, of the content; None where it is not among the candidates."""
    return next((rank for rank, candidate in enumerate(candidates, start=1) if candidate.content == content), None)
