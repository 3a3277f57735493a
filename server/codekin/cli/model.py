"""`codekin model`: list the models with their licences, and download one."""

from typing import Any

import click

from codekin.cli.params import DEBUG, JSON


@click.group()
def model() -> None:
    """List or download models."""


@model.command("list")
@JSON
@DEBUG
def list_(as_json: bool) -> int:
    """List the models that have short names, their licences, and which ones are downloaded.

    Other models work, too, by hub id (owner/name) or by folder.
    """
    from codekin.cli import console
    from codekin.embed.local import small
    from codekin.embed.local.presets import PRESETS

    model_rows = [{"name": "embedded", "hub": "", "licence": "Apache-2.0", "megabytes": 0, "here": True}]
    model_rows += [
        {"name": small.NAME, "hub": "", "licence": "Apache-2.0", "megabytes": 0, "here": small.is_available()}
    ]
    model_rows += [
        {
            "name": model_name,
            "hub": preset.hub_id,
            "licence": preset.licence,
            "megabytes": preset.megabytes,
            "here": _is_downloaded(model_name),
        }
        for model_name, preset in PRESETS.items()
    ]
    if as_json:
        console.write_json({"models": model_rows})
        return 0
    name_width, licence_width = (max(len(str(row[column])) for row in model_rows) for column in ("name", "licence"))
    for row in model_rows:
        availability = "downloaded" if row["here"] else f"{row['megabytes']:,} MB to download"
        if not row["hub"]:
            availability = "built in" if row["here"] else "needs codekin[small]"
        console.write(
            f"{row['name']:<{name_width}}  {availability:<22}  {row['licence']:<{licence_width}}  {row['hub']}".rstrip()
        )
    return 0


@model.command()
@click.argument("name")
@JSON
@DEBUG
def pull(name: str, as_json: bool) -> int:
    """Download a model, by a name from `codekin model list` or by hub id.

    Downloads only safetensors, which run no code, and configuration files, into the cache of the Hugging Face hub.
    No other command downloads anything.
    """
    from dataclasses import replace

    from codekin.cli import console
    from codekin.embed.local.checkpoint import read_checkpoint
    from codekin.embed.local.hub import download_model as download
    from codekin.embed.local.presets import find_preset
    from codekin.settings import ModelSettings

    preset = find_preset(name)
    if preset is not None:
        console.print_note(f"{preset.hub_id}, {preset.megabytes:,} MB. Licence: {preset.licence}.")
    model_folder = download(name)
    checkpoint = read_checkpoint(replace(ModelSettings(), name=name))
    description: dict[str, Any] = {
        "model": checkpoint.name,
        "folder": str(model_folder),
        "licence": checkpoint.licence,
        "dims": list(checkpoint.dims),
    }
    if as_json:
        console.write_json(description)
        return 0
    licence_name = checkpoint.licence or "unknown; see its model card"
    console.print_note(
        f'{checkpoint.name} is in {model_folder}. Licence: {licence_name}. To use it, set model.name = "{name}".'
    )
    return 0


def _is_downloaded(model_name: str) -> bool:
    """Return whether the model's checkpoint is on this machine; downloads nothing."""
    from codekin.embed.local.checkpoint import find_checkpoint
    from codekin.errors import ModelError

    try:
        find_checkpoint(model_name)
    except ModelError:
        return False
    return True
