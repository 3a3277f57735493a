"""Does the index find what is in it?"""

from collections.abc import Iterator

from codekin.code.extract import to_canonical_text
from codekin.code.words import split_words
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.search.hits import DocumentReader
from codekin.search.lexical import LexicalRetriever
from codekin.types import Filter, Location, Query, Role, Task

_NEAREST = 5
_SAME = 0.999  # cosine of texts that the model can't tell apart, vectors stored as float16
_WORDS = 64  # of a text: what is behind the full text's bound finds nothing
_ALL = 1_000_000


def sample_contents(index: Index, reader: DocumentReader, sample: int) -> Iterator[tuple[Location, str]]:
    """Some `sample` contents, evenly spread, where they stand now; those edited since are left out."""
    store = index.store
    numbers = [number for number, _ in store.contents_after(0)]
    chosen = numbers[:: max(1, len(numbers) // sample)]
    keys, places = store.content_hashes(chosen), store.locations_of(chosen)
    for content, (place, *_) in places.items():
        now = reader.locate_now(place, keys[content])
        if now is not None:
            yield now, to_canonical_text(reader.read_lines(now.path)[now.span.start : now.span.end])


def is_findable(index: Index, embedder: Embedder, place: Location, text: str) -> bool:
    """Whether a content's own text finds it, by its vector and by its words."""
    (vector,) = embedder.embed([text], Task.CODE2CODE, Role.PASSAGE)
    labels, cosines = index.dense.search(vector, _NEAREST)
    if place.content not in labels and not (len(cosines) and cosines[-1] > _SAME):
        return False
    first_words = split_words(text)[:_WORDS]
    query = Query(" ".join(first_words), Task.CODE2CODE, Filter(folder=place.path.parent))
    found = LexicalRetriever(index).search(query, _ALL)
    return not first_words or any(candidate.content == place.content for candidate in found)
