"""Options that several commands share."""

from pathlib import Path

import click


class WholeNumber(click.IntRange):
    """A whole number within bounds, called so in messages."""

    name = "whole number"


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True)
FILE = click.Path(path_type=Path)
ROOT = click.option(
    "--root", type=FOLDER, help="The workspace. Default: the enclosing repository, else the project, else the folder."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, also for an error.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an unexpected error.")
MODEL = click.option("--model", metavar="M", help="Use this heavy model, too. Default: the setting model.name.")
RESIDENT = click.option(
    "--resident/--no-resident",
    default=True,
    help="Ask the process that an earlier command left, or a server, and leave one. Default: the setting cli.resident.",
)
TEAM = click.option(
    "--team/--no-team", default=True, help="Ask the team's index, too, where the settings name its gateway."
)
