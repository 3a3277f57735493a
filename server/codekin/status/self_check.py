"""Check whether the index finds its contents: search a sample of them by their own text."""

import math
from collections.abc import Iterator

from codekin.code.extract import to_canonical_text
from codekin.code.words import split_words
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.search.hits import DocumentReader
from codekin.search.lexical import LexicalRetriever
from codekin.types import Filter, Location, Query, Role, Task

_NEAREST_COUNT = 5
_SAME_COSINE = 0.999  # of texts that the model can't tell apart, vectors stored as float16
_MAX_WORDS = 64  # of a text; the full-text index has only its beginning
_NO_LIMIT = 1_000_000


def check_findable(
    index: Index, embedder: Embedder, reader: DocumentReader, sample_size: int
) -> tuple[int, list[Location]]:
    """Search up to `sample_size` contents by their own text; return how many, and where those not found are."""
    samples = list(_sample_contents(index, reader, sample_size))
    return len(samples), [
        location for location, content_text in samples if not _is_findable(index, embedder, location, content_text)
    ]


def _sample_contents(index: Index, reader: DocumentReader, sample_size: int) -> Iterator[tuple[Location, str]]:
    """Yield (location, text now) of evenly spread contents, one location for each; those edited since are left out."""
    store = index.store
    content_numbers = [content_number for content_number, _ in store.contents_after(0)]
    sampled_numbers = content_numbers[:: max(1, math.ceil(len(content_numbers) / sample_size))]
    content_hashes, locations = store.content_hashes(sampled_numbers), store.locations_of(sampled_numbers)
    for content, (location, *_) in locations.items():
        current_location = reader.locate_now(location, content_hashes[content])
        if current_location is not None:
            yield (
                current_location,
                to_canonical_text(
                    reader.read_lines(current_location.path)[current_location.span.start : current_location.span.end]
                ),
            )


def _is_findable(index: Index, embedder: Embedder, location: Location, content_text: str) -> bool:
    """Return whether the content's text, embedded anew, finds it among the five nearest vectors, and by its words."""
    (vector,) = embedder.embed([content_text], Task.CODE2CODE, Role.PASSAGE)
    nearest_contents, cosines = index.dense.search(vector, _NEAREST_COUNT)
    if location.content not in nearest_contents and not (len(cosines) and cosines[-1] > _SAME_COSINE):
        return False
    first_words = split_words(content_text)[:_MAX_WORDS]
    query = Query(" ".join(first_words), Task.CODE2CODE, Filter(folder=location.path.parent))
    candidates = LexicalRetriever(index).search(query, _NO_LIMIT)
    return not first_words or any(candidate.content == location.content for candidate in candidates)
