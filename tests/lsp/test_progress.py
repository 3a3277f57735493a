"""What a progress bar says."""

import pytest

from codekin.lsp.progress import said
from codekin.types import Progress


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(0, 5310, None), "0 of 5,310 files"),
        (Progress(1204, 5310, 20.3), "1,204 of 5,310 files, 20 s left"),
        (Progress(5309, 5310, 0.01), "5,309 of 5,310 files, 1 s left"),
        (Progress(10, 90_000, 89.6), "10 of 90,000 files, 2 min left"),
    ],
)
def test_it_is_said_as_a_person_reads_it(progress: Progress, text: str) -> None:
    assert said(progress) == text
