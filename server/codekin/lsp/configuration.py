"""The settings, from all who have a say.

Sources, weakest first: the defaults, the user's `config.toml`, the client's `initializationOptions`, its answer to
`workspace/configuration` (or what it sends with `didChangeConfiguration`), the environment.

Over the protocol nobody can tell whether an answer to `workspace/configuration` is the user's will or stands in a file
of the workspace, which a stranger may have written. What names a path, a model or (later) an endpoint, or spends what
all workspaces share, therefore never comes from there: the groups `cache` and `model` are taken from the user's file,
`initializationOptions` and the environment only. A client must put nothing into `initializationOptions` that it read
from the workspace.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codekin.settings import Settings

_USERS_OWN = ("cache", "model")
_SECTION = "codekin"


class Configuration:
    """What the client said, and the settings that follow. `settings` reads the user's file: not for the loop."""

    def __init__(self, options: Any) -> None:
        """`options` is the client's `initializationOptions`."""
        self._options = _section(options)
        self._answers: Mapping[str, Any] = {}

    def take(self, answers: Any) -> None:
        """What the client says when asked, or of its own accord."""
        self._answers = _section(answers)

    def settings(self) -> "tuple[Settings, tuple[str, ...]]":
        """The settings in force, and what is wrong with what was said, each with its remedy."""
        from codekin.settings import user_settings

        anyones = {group: values for group, values in self._answers.items() if group not in _USERS_OWN}
        client = [("initializationOptions", self._options), ("the editor's settings", anyones)]
        settings, problems = user_settings(client)
        return settings, (*map(str, problems), *self._refused(settings))

    def _refused(self, settings: "Settings") -> list[str]:
        """Settings of the user's own that would change something if they were taken from anyone."""
        from codekin.settings import config_file, overlay

        refused = []
        for group in _USERS_OWN:
            values = self._answers.get(group)
            for key, value in values.items() if isinstance(values, Mapping) else ():
                if overlay(settings, {group: {key: value}}, source="")[0] != settings:
                    refused.append(
                        f"codekin.{group}.{key} is ignored where a workspace could have set it. Set it in "
                        f"{config_file()}, or have the editor send it as initializationOptions."
                    )
        return refused


def _section(value: Any) -> Mapping[str, Any]:
    """The settings' tree in whatever wrapping clients send it; empty where there is none."""
    if not isinstance(value, Mapping):
        return {}
    inner = value.get(_SECTION, value)
    return inner if isinstance(inner, Mapping) else {}
