"""In the oldest VS Code that the extension supports; a file of its own, so that both can be tested at once."""

from .claims import InVSCode


class TestInOldest(InVSCode):
    """1.100."""

    version = "4.100.3"
    installer = "pip"
