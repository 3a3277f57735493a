"""What a hit says of why it was found."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from codekin.engine import Engine
from codekin.settings import CacheSettings, Settings

SHIPPING = '''\
def ship_order(order, carrier):
    """Hand the parcel over to the carrier and remember its number, as with any other that was sent."""
    return carrier.dispatch(order)
'''


def test_shared_words_are_those_with_a_meaning(tmp_path: Path):
    """In a small workspace, "the" and "to" are as rare as any word."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "shipping.py").write_text(SHIPPING)
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))
    with closing(Engine([tmp_path / "root"], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 0)
        (hit,) = engine.search("hand the parcel over to the carrier and remember it as any other", 1).hits
    label, _, words = hit.why.partition(" ")
    assert label == "shares"
    assert set(words.split(", ")) <= {"hand", "parcel", "carrier", "remember", "other"}
