"""The options that commands have in common."""

from pathlib import Path

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True)
FILE = click.Path(path_type=Path)
ROOT = click.option(
    "--root", type=FOLDER, help="The workspace. Default: the repository, else the project, else the folder."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, also of an error.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the trace of an unexpected error.")
MODEL = click.option(
    "--model", metavar="M", help="A heavy model beside the embedded one. Default: the setting model.name."
)
