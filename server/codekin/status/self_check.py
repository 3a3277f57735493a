"""Check whether the index finds its contents: search a sample of them by their own text."""

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
    """Search up to about `sample_size` contents by their own text; return how many, and the locations not found."""
    samples = list(_sample_contents(index, reader, sample_size))
    return len(samples), [place for place, text in samples if not _is_findable(index, embedder, place, text)]


def _sample_contents(index: Index, reader: DocumentReader, sample_size: int) -> Iterator[tuple[Location, str]]:
    """Yield evenly spread contents, each at one present location, with the text; those edited since are left out."""
    store = index.store
    numbers = [number for number, _ in store.contents_after(0)]
    sampled_numbers = numbers[:: max(1, len(numbers) // sample_size)]
    hashes, locations = store.content_hashes(sampled_numbers), store.locations_of(sampled_numbers)
    for content, (location, *_) in locations.items():
        present = reader.locate_now(location, hashes[content])
        if present is not None:
            yield present, to_canonical_text(reader.read_lines(present.path)[present.span.start : present.span.end])


def _is_findable(index: Index, embedder: Embedder, place: Location, text: str) -> bool:
    """Return whether a content's own text, embedded anew, finds it by its vector among five, and by its words."""
    (vector,) = embedder.embed([text], Task.CODE2CODE, Role.PASSAGE)
    labels, cosines = index.dense.search(vector, _NEAREST_COUNT)
    if place.content not in labels and not (len(cosines) and cosines[-1] > _SAME_COSINE):
        return False
    first_words = split_words(text)[:_MAX_WORDS]
    query = Query(" ".join(first_words), Task.CODE2CODE, Filter(folder=place.path.parent))
    candidates = LexicalRetriever(index).search(query, _NO_LIMIT)
    return not first_words or any(candidate.content == place.content for candidate in candidates)
