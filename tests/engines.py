"""Engines on a small project, for tests of what a person gets from them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from codekin.engine import Engine
from codekin.settings import CacheSettings, ModelSettings, Settings
from codekin.types import Answer, Hit, Span

NEVER = threading.Event()
TIMEOUT_S = 180.0  # far more than anything takes, even on a busy machine
ORDERS = '''\
"""Orders."""

def total_price(orders, tax_rate):
    """Sum the prices of all orders and add the tax."""
    total = 0
    for order in orders:
        total += order.price * order.quantity
    return total * (1 + tax_rate)


def cancel(order):
    """Mark an order as cancelled and give the stock back."""
    order.state = "cancelled"
    for line in order.lines:
        line.product.stock += line.quantity
'''
INVOICES = '''\
def invoice_sum(orders, tax_rate):
    """Sum up the prices of the invoice's orders, tax included."""
    amount = 0
    for order in orders:
        amount += order.price * order.quantity
    return amount * (1 + tax_rate)



def named(engine: Engine, name: str, k: int) -> list[Hit]:
    """The hits for a name that have it."""
    return [hit for hit in engine.search(name, k).hits if name.lower() in hit.place.qualified_name.lower()]


class Archive:
    def read_lines(self, path):
        """Read a text file line by line."""
        with open(path) as stream:
            for line in stream:
                yield line.rstrip()
'''
SERVICE = """\
package main

// TotalPrice sums the prices of all orders and adds the tax.
func TotalPrice(orders []Order, taxRate float64) float64 {
	total := 0.0
	for _, order := range orders {
		total += order.Price * float64(order.Quantity)
	}
	return total * (1 + taxRate)
}
"""
NEW = """def {}(orders, rate):
    total = 0
    for order in orders:
        total += order.price * rate
    if total < 0:
        raise ValueError(total)
    return total
"""


def write_project(folder: Path) -> Path:
    """Write a project of three files in two languages; return its resolved path."""
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "orders.py").write_text(ORDERS)
    (folder / "shop" / "invoices.py").write_text(INVOICES)
    (folder / "service.go").write_text(SERVICE)
    return folder.resolve()


@contextmanager
def open_engine(
    *roots: Path, cache: Path, start: bool = False, dim: int = 0
) -> Iterator[tuple[Engine, Callable[..., None]]]:
    """Open an engine, indexed here or (`start`) by its threads; yield it, and a function that waits for a condition."""
    changed = threading.Event()
    settings = Settings(cache=CacheSettings(directory=str(cache)), model=ModelSettings(dim=dim))
    engine = Engine(roots, settings, on_change=changed.set)

    def until(condition: Callable[[], object], seconds: float = TIMEOUT_S) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s in vain; {engine.status()}"
            changed.wait(0.1)
            changed.clear()

    try:
        if start:
            engine.start()
            until(lambda: engine.status().state == "ready")
        else:
            engine.refresh(lambda _: None, NEVER, 0)
        yield engine, until
    finally:
        engine.close()


def list_names(answer: Answer) -> list[str]:
    """Return the names of the hits, best first."""
    return [hit.place.name for hit in answer.hits]


def find_line(path: Path, part: str) -> Span:
    """Return the 0-based span of the first line that contains `part`. Fails without one."""
    for i, line in enumerate(path.read_text().split("\n")):
        if part in line:
            return Span(i, i + 1)
    raise AssertionError(part)


def search_by_name(engine: Engine, name: str, k: int) -> list[Hit]:
    """Search for a name; return the hits that have it in theirs."""
    return [hit for hit in engine.search(name, k).hits if name.lower() in hit.place.qualified_name.lower()]
