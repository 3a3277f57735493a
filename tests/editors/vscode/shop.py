"""A larger shop, with functions of every kinship."""

from ..project import SHOP_FILES

LARGER_SHOP_FILES = SHOP_FILES | {
    "shop/baskets.py": '''\
"""Baskets."""


def basket_total(items, tax_rate, voucher=None):
    """What a basket costs, after a voucher."""
    total = 0
    for item in items:
        price = item.price * item.quantity
        if item.discount:
            price -= price * item.discount
        total += price
    if voucher:
        total -= min(voucher.value, total)
    return round(total * (1 + tax_rate), 2)


def merge_baskets(mine, theirs):
    """One basket of two, as when a guest logs in."""
    for item in theirs.items:
        mine.add(item, item.quantity)
    theirs.clear()
    return mine
''',
    "shop/refunds.py": '''\
"""Refunds."""


def refund(order, reason):
    """Pay the price of an order back, and say why."""
    amount = sum(item.price * item.quantity for item in order.items)
    order.payment.give_back(amount, note=reason)
    order.state = "refunded"
    return amount


def collect_parcel(order, carrier):
    """Have the carrier bring a parcel back."""
    label = carrier.return_label(order.address)
    order.tracking = carrier.collect(label)
    return order.tracking
''',
    "stock/shelves.ts": """\
/** What all items on the shelves are worth. */
export function stockValue(items: Item[], taxRate: number): number {
    let total = 0;
    for (const item of items) {
        total += item.price * item.quantity;
    }
    return total * (1 + taxRate);
}

/** The shelf that has room for a parcel, nearest first. */
export function shelfFor(parcel: Parcel, shelves: Shelf[]): Shelf | undefined {
    return shelves.filter((shelf) => shelf.free >= parcel.size).sort((a, b) => a.distance - b.distance)[0];
}
""",
    "web/sessions.py": '''\
def session_of(request, store):
    """The visitor's session, or a new one that a cookie remembers."""
    key = request.cookies.get("session")
    if key is None or key not in store:
        key = store.create()
        request.set_cookie("session", key, max_age=3600)
    return store[key]
''',
}
