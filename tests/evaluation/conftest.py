"""A small code base to measure on."""

from pathlib import Path

import pytest

FUNCTION = """\
func Fetch{name}(c *Client, id string) (*{name}, error) {{
	reply, err := c.get("/{path}/" + id)
	if err != nil {{
		return nil, err
	}}
	defer reply.Close()
	found := new({name})
	if err := reply.decode(found); err != nil {{
		return nil, wrap(err, "{path}", {number})
	}}
	return found, nil
}}
"""
NAMES = ("Order", "Parcel", "Invoice", "Customer", "Warehouse")


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Path:
    """Write a small shop of Go files, one of which is a renamed copy; return its folder."""
    for number, name in enumerate(NAMES):
        code = FUNCTION.format(name=name, path=f"{name.lower()}s/of/{number}", number=number)
        (tmp_path / f"{name.lower()}.go").write_text(f"package shop\n\n{code}", "utf-8")
    (tmp_path / "twin.go").write_text((tmp_path / "order.go").read_text("utf-8").replace("c *", "d *"), "utf-8")
    return tmp_path
