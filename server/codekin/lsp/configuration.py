"""Merge the settings from the user's file, the client and the environment.

Sources, weakest first: the defaults, the user's `config.toml`, the client's `initializationOptions`, its answer to
`workspace/configuration` (or what it sends with `didChangeConfiguration`), the environment.

The protocol does not tell whether an answer to `workspace/configuration`, or to `didChangeConfiguration`, comes from
the user or from a file of the workspace, which a stranger may have written
(`.vscode/settings.json`, `.vim/coc-settings.json`, `.dir-locals.el`, neoconf's files). Settings that are the user's
alone (`Scope.USER`: what costs the machine something, or names a path, a model or an endpoint) are therefore taken
from the user's file, `initializationOptions` and the environment only. A client must put nothing into
`initializationOptions` that it read from the workspace.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codekin.settings import Settings

SettingGroups = dict[str, Any]

_SECTION = "codekin"
_MAX_REPORTED_PROBLEMS = 20  # each is a message to the user, and a workspace may have thousands


class Configuration:
    """Keeps what the client sent as settings, and merges it with the user's file and the environment."""

    def __init__(self, initialization_options: Any) -> None:
        """Keep `initialization_options` (sent with `initialize`, without the token); {} counts if it is no object."""
        self._initialization_options = _unwrap_section(initialization_options)
        self._client_settings: Mapping[str, Any] = {}

    def update_client_settings(self, client_settings: Any) -> None:
        """Replace what the client sent since `initialize`; takes effect with `resolve_settings`."""
        self._client_settings = _unwrap_section(client_settings)

    def resolve_settings(self) -> "tuple[Settings, tuple[str, ...]]":
        """Merge the user's file, the client's settings and the environment; return them and up to 20 problems.

        The problems name their remedies. Reads a file: not for the loop.
        """
        from codekin.settings import load_user_settings

        new_settings = _drop_repeated(self._client_settings, self._initialization_options)
        shared_groups, user_groups = _split_by_scope(new_settings)
        client_sources = [
            ("initializationOptions", self._initialization_options),
            ("the editor's settings", shared_groups),
        ]
        settings, problems = load_user_settings(client_sources)
        return settings, (*map(str, problems), *_list_refused_settings(settings, user_groups))[:_MAX_REPORTED_PROBLEMS]


def _drop_repeated(client_settings: Mapping[str, Any], initial_settings: Mapping[str, Any]) -> SettingGroups:
    """Return the client's settings without the values that it sent with `initialize`, too.

    Neovim and others send the same table twice; its mistakes are one message each.
    """
    new_settings: SettingGroups = {}
    for group_name, group_values in client_settings.items():
        initial_values = initial_settings.get(group_name)
        if isinstance(group_values, Mapping) and isinstance(initial_values, Mapping):
            new_settings[group_name] = {
                setting_key: value
                for setting_key, value in group_values.items()
                if setting_key not in initial_values or not _is_same(initial_values[setting_key], value)
            }
        elif group_name not in initial_settings or not _is_same(initial_values, group_values):
            new_settings[group_name] = group_values
    return new_settings


def _is_same(json_value: object, other_value: object) -> bool:
    """Return whether two values of JSON are the same, types too: `1` is neither `true` nor `1.0`."""
    return repr(json_value) == repr(other_value)


def _split_by_scope(client_settings: Mapping[str, Any]) -> tuple[SettingGroups, dict[str, SettingGroups]]:
    """Return two dicts by group: the client's settings that a workspace may set, and the rest, the user's own.

    What is no group stays among the first.
    """
    from codekin.settings import is_users_own

    shared_groups: SettingGroups = {}
    user_groups: dict[str, SettingGroups] = {}
    for group_name, group_values in client_settings.items():
        if not isinstance(group_values, Mapping):
            shared_groups[group_name] = group_values
            continue
        user_groups[group_name] = {
            setting_key: value
            for setting_key, value in group_values.items()
            if is_users_own(str(group_name), str(setting_key))
        }
        shared_groups[group_name] = {
            setting_key: value
            for setting_key, value in group_values.items()
            if setting_key not in user_groups[group_name]
        }
    return shared_groups, user_groups


def _list_refused_settings(settings: "Settings", user_groups: Mapping[str, SettingGroups]) -> list[str]:
    """Return a message for each refused user-only setting that would change the settings in force, or is wrong."""
    from codekin.settings import config_file, override_settings

    messages = []
    for group_name, group_values in user_groups.items():
        for setting_key, value in group_values.items():
            changed_settings, problems = override_settings(settings, {group_name: {setting_key: value}}, source="")
            if changed_settings != settings or problems:
                messages.append(
                    f"codekin.{group_name}.{setting_key} is ignored where a workspace could have set it. Set it in "
                    f"{config_file()}, or have the editor send it as initializationOptions."
                )
    return messages


def _unwrap_section(client_value: Any) -> Mapping[str, Any]:
    """Return the object in the member `codekin`, or the object itself without it; {} where that is no object."""
    if not isinstance(client_value, Mapping):
        return {}
    section_value = client_value.get(_SECTION, client_value)
    return section_value if isinstance(section_value, Mapping) else {}
