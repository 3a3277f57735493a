"""The embedded model from nothing, in three resumable steps: `python -m codekin.training harvest|pairs|embedded`."""

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from codekin.training.corpus import BlockList, harvest
from codekin.training.pages import Pair
from codekin.training.pairs import package_pairs, write_pairs
from codekin.training.twins import twins

log = logging.getLogger(__name__)
MANIFEST = Path(__file__).parent / "manifest.json"
TWINS = "twins.jsonl.gz"


def fetch_all(manifest: Path, block_list: Path, sources: Path) -> int:
    """Fetch the manifest's packages that are not there yet; how many could not be had."""
    lost = 0
    for package, problem in harvest(manifest, BlockList(block_list), sources):
        lost += bool(problem)
        log.info("%s %s %s: %s", package.registry, package.name, package.version, problem or "there")
    return lost


def pair_all(sources: Path, block_list: Path, out: Path, processes: int = 2) -> None:
    """Write the pairs of each package that has none yet, then the twins across all of them."""
    out.mkdir(parents=True, exist_ok=True)
    folders = sorted(path.parent for path in sources.glob("*/harvested.json"))
    missing = [folder for folder in folders if not (out / f"{folder.name}.jsonl.gz").exists()]
    with ProcessPoolExecutor(processes) as pool:
        pair = partial(_pair_package, block_list=block_list, out=out)
        for folder, count in zip(missing, pool.map(pair, missing), strict=True):
            log.info("%s: %d pairs", folder.name, count)
    write_pairs(twins(_all_pairs(out), Random(0)), out / TWINS)  # noqa: S311 -- sampling, not secrets


def _pair_package(folder: Path, block_list: Path, out: Path) -> int:
    return write_pairs(package_pairs(folder, BlockList(block_list), 0), out / f"{folder.name}.jsonl.gz")


def _all_pairs(out: Path) -> Iterator[Pair]:
    from codekin.training.shards import read_pairs

    paths: Iterable[Path] = sorted(path for path in out.glob("*.jsonl.gz") if path.name != TWINS)
    for path in paths:
        yield from read_pairs(path)


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["embedded"]:
        from codekin.training.train import main as train_main

        return train_main(given[1:])
    parser = argparse.ArgumentParser(prog="python -m codekin.training", description=__doc__)
    parser.add_argument("step", choices=["harvest", "pairs", "embedded"])
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--block-list", type=Path, required=True, help="repositories that must not be trained on")
    parser.add_argument("--sources", type=Path, required=True, help="where the packages' trees are")
    parser.add_argument("--pairs", type=Path, help="where the pairs are written (pairs)")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.step == "harvest":
        return 1 if fetch_all(options.manifest, options.block_list, options.sources) else 0
    pair_all(options.sources, options.block_list, options.pairs or options.sources.parent / "pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
