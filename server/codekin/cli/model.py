"""`codekin model`: which models there are, under which licences, and bringing one here."""

from typing import Any

import click

from codekin.cli.params import DEBUG, JSON


@click.group()
def model() -> None:
    """List models, and download one."""


@model.command("list")
@JSON
@DEBUG
def list_(as_json: bool) -> int:
    """List the models that have short names, their licences, and which are on this machine.

    Others work, too: by their hub id (owner/name) or by their folder.
    """
    from codekin.cli import console
    from codekin.embed.local.presets import PRESETS

    rows = [{"name": "embedded", "hub": "", "licence": "Apache-2.0", "megabytes": 0, "here": True}]
    rows += [
        {"name": name, "hub": one.hub_id, "licence": one.licence, "megabytes": one.megabytes, "here": _is_here(name)}
        for name, one in PRESETS.items()
    ]
    if as_json:
        console.write_json({"models": rows})
        return 0
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        state = "here" if row["here"] else f"{row['megabytes']:,} MB to download"
        console.write(f"{row['name']:<{width}}  {state:<22}  {row['licence']}  {row['hub']}".rstrip())
    return 0


@model.command()
@click.argument("name")
@JSON
@DEBUG
def pull(name: str, as_json: bool) -> int:
    """Download the model NAME: a name of `codekin model list`, or a hub id.

    Only weights that run no code (safetensors) and their descriptions, into the Hugging Face hub's own cache. Nothing
    else of codekin downloads anything.
    """
    from dataclasses import replace

    from codekin.cli import console
    from codekin.embed.local.checkpoint import read_checkpoint
    from codekin.embed.local.hub import download_model as download
    from codekin.embed.local.presets import find_preset
    from codekin.settings import ModelSettings

    known = find_preset(name)
    if known is not None:
        console.print_note(f"{known.hub_id}, {known.megabytes:,} MB. Licence: {known.licence}.")
    folder = download(name)
    told = read_checkpoint(replace(ModelSettings(), name=name))
    made: dict[str, Any] = {"model": told.name, "folder": str(folder), "licence": told.licence, "dims": list(told.dims)}
    if as_json:
        console.write_json(made)
        return 0
    licence = told.licence or "not told; look at its card"
    console.print_note(f'{told.name} is in {folder}. Licence: {licence}. To use it, set model.name = "{name}".')
    return 0


def _is_here(name: str) -> bool:
    from codekin.embed.local.checkpoint import find_checkpoint
    from codekin.errors import ModelError

    try:
        find_checkpoint(name)
    except ModelError:
        return False
    return True
