"""A pasted report or trace is a question: its title, what its body says, and the places that it names."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from codekin.engine import Engine
from codekin.search.issue_report import condense, read_issue_report
from codekin.settings import CacheSettings, Settings
from codekin.types import Filter

CART = '''"""The cart."""

def add(cart, item):
    """Put an item into the cart."""
    cart.items.append(item)


def pay(cart, card):
    """Charge the card with the sum of the cart."""
    return card.charge(sum(item.price for item in cart.items))
'''
STOCK = '''"""The stock."""

def reserve(stock, item):
    """Take an item from the shelves until it is paid."""
    stock.shelves[item.shelf].remove(item)
'''
MAIL = '''"""Mail to customers."""

def render_receipt(cart, template):
    """Render the receipt that is mailed after a payment."""
    return template.render(items=cart.items)
'''
TRACE = """Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 88, in _run_code
  File "/home/someone/shop/shop/cart.py", line 10, in pay
  File "/home/someone/env/lib/python3.11/site-packages/bank/card.py", line 3, in charge
bank.Refused: the card was refused
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = tmp_path_factory.mktemp("project")
    for folder, name, text in (("shop", "cart", CART), ("shop", "stock", STOCK), ("mail", "receipt", MAIL)):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / f"{name}.py").write_text(text)
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path_factory.mktemp("cache"))))
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 1)
        yield engine


def names(engine: Engine, question: str) -> list[str]:
    return [hit.place.qualified_name for hit in engine.search(question, 10).hits]


def test_the_innermost_frame_in_the_workspace_comes_first(engine: Engine):
    assert names(engine, TRACE)[0] == "pay"
    assert names(engine, f"A receipt is mailed twice\n\n{TRACE}")[0] == "pay"
    assert engine.search(TRACE, 10).hits[0].score >= 0.8


def test_the_functions_name_counts_more_than_a_line_of_another_version(engine: Engine):
    assert names(engine, TRACE.replace("line 10, in pay", "line 999, in pay"))[0] == "pay"
    assert names(engine, TRACE.replace("line 10, in pay", "line 3, in gone"))[0] == "add"


def test_a_place_in_another_package_is_none_here(engine: Engine):
    foreign = TRACE.replace("/home/someone/shop/shop/cart.py", "/x/site-packages/other/cart.py")
    report = f"A receipt is mailed twice\n\n{foreign}"
    assert names(engine, report)[0] == "render_receipt"


def test_a_place_in_a_short_question_counts(engine: Engine):
    assert names(engine, "shop/stock.py:4")[0] == "reserve"
    assert names(engine, "what does shop/stock.py do with receipts")[0] != "render_receipt"


def test_the_title_is_not_drowned_by_its_body(engine: Engine):
    noise = "\n".join(f"- package{number}: {number}.0 is installed, cart and item too" for number in range(150))
    report = f"Render the receipt once only\n\n### Environment\n{noise}"[:8_000]
    assert names(engine, report)[0] == "render_receipt"


def test_a_long_report_about_nothing_here_gets_no_answer(engine: Engine):
    assert names(engine, "Purple elephants dance\n\n" + "The moon was full, and nobody slept.\n" * 50) == []


def test_the_context_of_a_task_begins_with_the_frame_too(engine: Engine):
    assert engine.pack_context(TRACE, 2_000).entries[0].hit.place.name == "pay"


def test_a_filter_holds_for_frames(engine: Engine):
    hits = engine.search(TRACE, 10, hit_filter=Filter(excluded_paths=("cart.py",))).hits
    assert "cart.py" not in [hit.place.path.name for hit in hits]


def test_a_report_is_more_than_a_line_or_names_a_place():
    assert read_issue_report("how is a cart paid?") is None
    assert read_issue_report("\nhow is a cart paid?\n\n") is None
    assert read_issue_report("is shop/cart.py used?") is not None
    report = read_issue_report("## Cart is empty <!-- be kind -->\n<!-- fill\nin -->\nIt is.")
    assert (report.title, report.body) == ("Cart is empty", "It is.")
    assert read_issue_report(TRACE).title == "bank.Refused: the card was refused"


def test_of_a_body_the_words_that_say_most_are_kept():
    frequencies = {"item": 500, "shelf": 3, "remove": 40, "index": 30, "found": 90}
    body = "### Environment\n- [x] read the rules\nValueError: `remove_shelf` was not found\nitem item unknown"
    assert condense(body, lambda word: frequencies.get(word, 0), 1000).split() == ["remove_shelf", "found", "item"]
    many = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200))
    assert len(condense(many, lambda _: 5, 1000).split()) == 24
