"""The retrievers one by one, by the product's own index: what each is worth without the other."""

from codekin.embed.chosen import light
from codekin.engine import Engine
from codekin.index.index import Index
from codekin.index.prepare import content_hash
from codekin.search.dense import DenseRetriever
from codekin.search.lexical import LexicalRetriever
from codekin.types import Candidate, Query, Task

_K = 10


class SingleRetrievers:
    """An engine's index, asked by words only and by vectors only."""

    def __init__(self, engine: Engine) -> None:
        """The engine's index must be up to date."""
        embedder = light(engine.settings.model)
        self._index = Index(engine.home, embedder.space(Task.CODE2CODE), embedder.dim, lambda _: None)
        self._index.follow()
        self._lexical = LexicalRetriever(self._index)
        self._dense = DenseRetriever(self._index, embedder)

    def find_ranks(self, code: str, wanted: str) -> tuple[int | None, int | None]:
        """The ranks, from 1, of the content with the text `wanted`; None where it is not among the first ten."""
        query, content = Query(code, Task.CODE2CODE), self._index.store.content_of(content_hash(wanted))
        return _rank(self._lexical.search(query, _K), content), _rank(self._dense.search(query, _K), content)

    def close(self) -> None:
        self._index.close()


def _rank(candidates: list[Candidate], content: int | None) -> int | None:
    return next((at for at, one in enumerate(candidates, start=1) if one.content == content), None)
