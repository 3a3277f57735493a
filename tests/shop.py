"""The example shop: the source texts that tests of several packages index, with clones of one function among them."""

from collections.abc import Mapping
from pathlib import Path

_TOTAL = """\
def {name}({items}, tax_rate):
{docstring}    total = 0
    for item in {items}:
        price = item.price * item.quantity
        if item.discount:
            price -= price * item.discount
        total += price
    return total * (1 + tax_rate)
"""


def define_total(name: str, items: str = "items", *, has_docstring: bool = True) -> str:
    """Return a Python function that sums prices; whatever it and its parameter are called, all of them are clones."""
    docstring = f'    """The price of all {items} with tax."""\n' if has_docstring else ""
    return _TOTAL.format(name=name, items=items, docstring=docstring)


ORDERS = f'''\
"""Orders."""


{define_total("total_price")}

def ship_order(order, carrier):
    """Hand the parcel to the carrier and remember its tracking number."""
    parcel = carrier.pack(order.items)
    order.tracking = carrier.dispatch(parcel, order.address)
    order.state = "shipped"
    return order.tracking
'''
INVOICES = define_total("invoice_total")
SHOP_FILES = {  # beside the clones: letters outside ASCII and outside the basic plane, and other languages
    "shop/orders.py": ORDERS,
    "shop/invoices.py": INVOICES,
    "shop/größe.py": """\
bild = "😋𝕏"; zahl = 1


class Größe:
    def fläche_berechnen(self, höhe): return "😋" * self.breite * höhe

    def umfang_berechnen(self, höhe, breite):
        \"\"\"😋 Wie lang der Rand ist.\"\"\"
        rand = 2 * (höhe + breite)
        self.gemerkt["😋"] = rand
        return rand
""",
    "web/cart.ts": """\
export function parseCookieHeader(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of header.split(";")) {
    const [name, value] = part.trim().split("=");
    cookies.set(name, decodeURIComponent(value));
  }
  return cookies;
}
""",
    "tools/backup.sh": """\
backup_database() {
  local target="$1"
  pg_dump --format=custom "$DATABASE" > "$target/dump.sql"
  gzip --best "$target/dump.sql"
}
""",
}


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    """Write files, text by path below `root`, making folders, and return `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root
