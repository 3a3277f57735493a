"""Documentation answers questions in words, below code that answers them; it is compared with no code."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from codekin.duplicates.selection import DuplicateSelection
from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.settings import CacheSettings, Settings
from codekin.types import Filter, SnippetKind, Span

from ..engines import NEVER
from ..shop import ORDERS, SHOP_FILES, write_files

GUIDE = f"""# The shop

## Opening hours

On market days the warehouse opens at five; the harbour gate stays shut until six.

## Shipping

How an order is shipped: the carrier packs the parcel and remembers its tracking number.

```python
{ORDERS}
```
"""
CHANGES = "# Changes\n\n" + "".join(
    f"## {number}.0\n\nA parcel's tracking number {number} is shown to the carrier, too.\n\n" for number in range(30)
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    files = {**SHOP_FILES, "docs/guide.md": GUIDE, "CHANGES.md": CHANGES}
    root = write_files(tmp_path_factory.mktemp("prose") / "shop", files)
    settings = Settings(cache=CacheSettings(directory=str(tmp_path_factory.mktemp("cache"))))
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, NEVER, 0)
        yield engine


def test_what_only_documentation_says_is_found(engine: Engine) -> None:
    best = engine.search("when does the warehouse open on market days", 5).hits[0].place
    assert (best.path.name, best.kind, best.qualified_name) == (
        "guide.md",
        SnippetKind.SECTION,
        "The shop > Opening hours",
    )
    assert best.span == Span(0, 5)


def test_code_that_answers_comes_before_many_sections_about_the_same(engine: Engine) -> None:
    names = [
        hit.place.name
        for hit in engine.search("hand the parcel to the carrier and remember its tracking number", 5).hits
    ]
    assert names[0] == "ship_order"
    assert len(names) > 1


def test_code_is_compared_with_code_only(engine: Engine) -> None:
    for code in (ORDERS, "carrier packs the parcel and remembers its tracking number"):
        hits = engine.find_similar_to_code(code, 100).hits
        assert hits
        assert all(hit.place.kind is not SnippetKind.SECTION for hit in hits)
    root = engine.status().roots[0]
    with pytest.raises(QueryError, match="no code to compare"):
        engine.find_similar(root / "docs/guide.md", Span(4, 5), 5)
    assert not engine.find_described_code("when does the warehouse open on market days").matches


def test_documentation_alone_can_be_searched(engine: Engine) -> None:
    hits = engine.search("carrier packs the parcel", 5, hit_filter=Filter(languages=("markdown",))).hits
    assert hits
    assert all(hit.place.language == "markdown" for hit in hits)


def test_nothing_is_completed_or_counted_as_uncompared(engine: Engine) -> None:
    path = Path(engine.status().roots[0], "docs/guide.md")
    assert engine.complete(path, 4, 3) == []
    search = engine.find_duplicate_groups(DuplicateSelection(3), None, lambda _: None, NEVER)
    assert "markdown" not in search.uncompared_files
