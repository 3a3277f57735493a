"""In the newest VS Code; a file of its own, so that both can be tested at once."""

from .claims import InVSCode


class TestInNewest(InVSCode):
    """1.139."""

    version = "4.139.1"
    installer = "uv"
