"""`codekin train`: making models, by hand. Training itself needs PyTorch, which most people have no use for."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from codekin.cli.options import DEBUG, FOLDER
from codekin.errors import ModelError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(file_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Make a model, from its corpus on."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")


def _with_torch(command: Callable[..., int]) -> Callable[..., int]:
    @wraps(command)
    def checked(**options: Any) -> int:
        try:
            return command(**options)
        except ModuleNotFoundError as error:
            if error.name not in {"torch", "transformers", "safetensors", "peft"}:
                raise
            remedy = "Run: pip install 'codekin[train]'"
            raise ModelError(f"Training needs {error.name}, which is not installed. {remedy}") from error

    return checked


_BLOCK_LIST = click.option(
    "--block-list", metavar="FILE", type=_FILE, required=True, help="Repositories that must not be trained on."
)


@train.command()
@click.option("--manifest", metavar="FILE", type=_FILE, help="Packages to fetch. Default: those of the shipped model.")
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=_OUT, required=True, help="Where the packages' trees go.")
@DEBUG
def harvest(manifest: Path | None, block_list: Path, sources: Path) -> int:
    """Fetch the corpus: permissively licensed packages, by the registries' own clients."""
    from codekin.training.harvest import MANIFEST, fetch_all

    return 1 if fetch_all(manifest or MANIFEST, block_list, sources) else 0


@train.command()
@_BLOCK_LIST
@click.option("--sources", metavar="DIR", type=FOLDER, required=True, help="What `harvest` has fetched.")
@click.option("--pairs", metavar="DIR", type=_OUT, required=True, help="Where the pairs go.")
@DEBUG
def pairs(block_list: Path, sources: Path, pairs: Path) -> int:
    """Turn the corpus into pairs of what is asked and what answers it."""
    from codekin.training.harvest import pair_all

    pair_all(sources, block_list, pairs)
    return 0


@train.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="PAIRS WORK OUT [--KNOB VALUE]…", nargs=-1, type=click.UNPROCESSED)
@DEBUG
@_with_torch
def embedded(words: tuple[str, ...]) -> int:
    """Train the embedded model on PAIRS; WORK is taken up again after an interruption.

    Any knob of its recipe is an option: --steps 2400.
    """
    from codekin.training.train import main

    return main(words)
