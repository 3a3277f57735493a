"""The corpus from nothing: packages by a manifest, then the pairs of each; both go on where they stopped."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from codekin.indexing.pool import map_in_workers
from codekin.training.corpus import BlockList, fetch_packages
from codekin.training.cross_language_pairs import pair_across_languages
from codekin.training.docs_pages import TextPair
from codekin.training.pairs import extract_package_pairs, write_pairs

log = logging.getLogger(__name__)
MANIFEST = Path(__file__).parent / "manifest.json"
TWINS = "twins.jsonl.gz"


def build_corpus(manifest: Path, block_list: Path, folder: Path) -> Path:
    """Fetch the manifest's packages and cut them into pairs; the folder of the pairs.

    What is there already stays: registries drop versions, and a package that can't be had any more is told and missed.
    """
    lost = fetch_all(manifest, block_list, folder / "sources")
    log.info("%d packages could not be had", lost)
    write_all_pairs(folder / "sources", block_list, folder / "pairs")
    return folder / "pairs"


def fetch_all(manifest: Path, block_list: Path, sources: Path) -> int:
    """Fetch the manifest's packages that are not there yet; how many could not be had."""
    lost = 0
    for package, problem in fetch_packages(manifest, BlockList(block_list), sources):
        lost += bool(problem)
        log.info("%s %s %s: %s", package.registry, package.name, package.version, problem or "there")
    return lost


def write_all_pairs(sources: Path, block_list: Path, out: Path, processes: int = 2) -> None:
    """Write the pairs of each package that has none yet, then the twins across all of them."""
    out.mkdir(parents=True, exist_ok=True)
    folders = sorted(path.parent for path in sources.absolute().glob("*/harvested.json"))
    missing = [folder for folder in folders if not (out / f"{folder.name}.jsonl.gz").exists()]
    pair = partial(_pair_package, block_list=block_list.absolute(), out=out.absolute())
    for folder, count in zip(missing, map_in_workers(pair, missing, processes), strict=True):
        log.info("%s: %d pairs", folder.name, count)
    if missing or not (out / TWINS).exists():
        write_pairs(pair_across_languages(_all_pairs(out), Random(0)), out / TWINS)  # noqa: S311 -- sampling, not secrets


def _pair_package(folder: Path, block_list: Path, out: Path) -> int:
    return write_pairs(extract_package_pairs(folder, BlockList(block_list), 0), out / f"{folder.name}.jsonl.gz")


def _all_pairs(out: Path) -> Iterator[TextPair]:
    from codekin.training.shards import read_pairs

    for path in sorted(path for path in out.glob("*.jsonl.gz") if path.name != TWINS):
        yield from read_pairs(path)
