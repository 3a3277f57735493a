"""The settings, from all who have a say.

Sources, weakest first: the defaults, the user's `config.toml`, the client's `initializationOptions`, its answer to
`workspace/configuration` (or what it sends with `didChangeConfiguration`), the environment.

Over the protocol nobody can tell whether an answer to `workspace/configuration`, or what is sent with
`didChangeConfiguration`, is the user's will or stands in a file of the workspace, which a stranger may have written
(`.vscode/settings.json`, `.vim/coc-settings.json`, `.dir-locals.el`, neoconf's files). Settings that are the user's
alone (`Scope.USER`: what costs the machine something, or names a path, a model or an endpoint) are therefore taken
from the user's file, `initializationOptions` and the environment only. A client must put nothing into
`initializationOptions` that it read from the workspace.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codekin.settings import Settings

Groups = dict[str, Any]

_SECTION = "codekin"
_MOST_PROBLEMS = 20  # told at a time: each is a message to the user, and a workspace may have thousands


class Configuration:
    """What the client said, and the settings that follow. `settings` reads the user's file: not for the loop."""

    def __init__(self, options: Any) -> None:
        """`options` is the client's `initializationOptions`."""
        self._options = _section(options)
        self._answers: Mapping[str, Any] = {}

    def update(self, answers: Any) -> None:
        """What the client says when asked, or of its own accord."""
        self._answers = _section(answers)

    def settings(self) -> "tuple[Settings, tuple[str, ...]]":
        """The settings in force, and what is wrong with what was said, each with its remedy."""
        from codekin.settings import user_settings

        anyones, users = _split(self._answers)
        client = [("initializationOptions", self._options), ("the editor's settings", anyones)]
        settings, problems = user_settings(client)
        return settings, (*map(str, problems), *_refusals(settings, users))[:_MOST_PROBLEMS]


def _split(answers: Mapping[str, Any]) -> tuple[Groups, dict[str, Groups]]:
    """What anyone may set, and what is the user's alone."""
    from codekin.settings import is_users_own

    anyones: Groups = {}
    users: dict[str, Groups] = {}
    for group, values in answers.items():
        if not isinstance(values, Mapping):
            anyones[group] = values
            continue
        users[group] = {key: value for key, value in values.items() if is_users_own(str(group), str(key))}
        anyones[group] = {key: value for key, value in values.items() if key not in users[group]}
    return anyones, users


def _refusals(settings: "Settings", users: Mapping[str, Groups]) -> list[str]:
    """A message for each of the user's own settings that would change something if it were taken from anyone."""
    from codekin.settings import config_file, overlay

    refused = []
    for group, values in users.items():
        for key, value in values.items():
            changed, problems = overlay(settings, {group: {key: value}}, source="")
            if changed != settings or problems:
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
