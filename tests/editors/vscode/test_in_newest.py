"""The newest VS Code. It has its own file so that both versions can be tested in parallel."""

from .scenarios import VSCodeScenarios


class TestInNewest(VSCodeScenarios):
    """VS Code 1.139."""

    version = "4.139.1"
    installer = "uv"
