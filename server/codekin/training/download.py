"""Build the corpus from scratch: fetch a manifest's packages, then extract their pairs; both steps can resume."""

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

logger = logging.getLogger(__name__)
MANIFEST = Path(__file__).parent / "manifest.json"
TWINS = "twins.jsonl.gz"


def build_corpus(manifest: Path, block_list: Path, corpus_folder: Path) -> Path:
    """Fetch the manifest's packages below `corpus_folder`, extract their pairs; return the folder of the pairs.

    Fetched packages stay, since registries drop versions; a package that is no longer available is logged and skipped.
    """
    missing_count = fetch_all(manifest, block_list, corpus_folder / "sources")
    logger.info("%d packages could not be fetched", missing_count)
    write_all_pairs(corpus_folder / "sources", block_list, corpus_folder / "pairs")
    return corpus_folder / "pairs"


def fetch_all(manifest: Path, block_list: Path, sources: Path) -> int:
    """Fetch the manifest's missing packages into `sources`, log each, and return how many could not be fetched."""
    missing_count = 0
    for package, problem in fetch_packages(manifest, BlockList(block_list), sources):
        missing_count += bool(problem)
        logger.info("%s %s %s: %s", package.registry, package.name, package.version, problem or "there")
    return missing_count


def write_all_pairs(sources: Path, block_list: Path, pairs_folder: Path, processes: int = 2) -> None:
    """Write a file of pairs per package without one, in worker processes; if any, renew the cross-language pairs."""
    pairs_folder.mkdir(parents=True, exist_ok=True)
    package_folders = sorted(path.parent for path in sources.absolute().glob("*/harvested.json"))
    missing = [folder for folder in package_folders if not (pairs_folder / f"{folder.name}.jsonl.gz").exists()]
    write_pairs_of = partial(
        _write_package_pairs, block_list=block_list.absolute(), pairs_folder=pairs_folder.absolute()
    )
    for folder, count in zip(missing, map_in_workers(write_pairs_of, missing, processes), strict=True):
        logger.info("%s: %d pairs", folder.name, count)
    if missing or not (pairs_folder / TWINS).exists():
        write_pairs(pair_across_languages(_read_package_pairs(pairs_folder), Random(0)), pairs_folder / TWINS)  # noqa: S311 -- sampling, not secrets


def _write_package_pairs(package_folder: Path, block_list: Path, pairs_folder: Path) -> int:
    """Extract and write the pairs of one package, to one file; return their number. Runs in a worker."""
    return write_pairs(
        extract_package_pairs(package_folder, BlockList(block_list), 0),
        pairs_folder / f"{package_folder.name}.jsonl.gz",
    )


def _read_package_pairs(pairs_folder: Path) -> Iterator[TextPair]:
    """Yield the pairs of all packages from their files in `pairs_folder`, without the cross-language ones."""
    from codekin.training.shards import read_pairs

    for path in sorted(path for path in pairs_folder.glob("*.jsonl.gz") if path.name != TWINS):
        yield from read_pairs(path)
