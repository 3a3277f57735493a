"""The oldest supported VS Code. It has its own file so that both versions can be tested in parallel."""

from .scenarios import VSCodeScenarios


class TestInOldest(VSCodeScenarios):
    """VS Code 1.100."""

    version = "4.100.3"
    installer = "pip"
