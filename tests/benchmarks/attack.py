"""codekin under attack: `python tests/benchmarks/attack.py [kills|messages|soak]…`, by hand; all three without a name.

- kills: the server, or a process that it started, is killed at a random moment of its work; then the index must be
  sound and answer exactly as one made from nothing does.
- messages: mutated messages of real editors; every request with a valid id must have exactly one response, and the
  server must live on.
- soak: typing, saving, checkouts and questions for minutes; memory, open files and threads must stay flat, the exit
  quick, and the answers equal to a fresh index's.

Prints a table, and above it what determined the figures. The exit status is 1 where something did not hold.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from client import Row
from kills import attack_by_kills
from messages import attack_by_messages
from soak import attack_by_soak


def parse_arguments() -> argparse.Namespace:
    """Parse the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", choices=["kills", "messages", "soak", []])
    parser.add_argument("--kills", type=int, default=64, metavar="N")
    parser.add_argument("--messages", type=int, default=30_000, metavar="N")
    parser.add_argument("--minutes", type=float, default=20.0, metavar="M", help="how long the soak takes")
    parser.add_argument("--seed", type=int, default=20_26)
    return parser.parse_args()


def run_attacks(arguments: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Run the chosen attacks, or all, each in a folder of its own; yield the rows of the table as they come."""
    attacks = arguments.attacks or ["kills", "messages", "soak"]
    if "kills" in attacks:
        yield from attack_by_kills(folder / "kills", arguments.kills, arguments.seed)
    if "messages" in attacks:
        yield from attack_by_messages(folder / "messages", arguments.messages, arguments.seed)
    if "soak" in attacks:
        yield from attack_by_soak(folder / "soak", arguments.minutes, arguments.seed)


def main() -> int:
    """Run the attacks and print a table; return the exit status."""
    arguments = parse_arguments()
    packages = ("codekin", "pygls", "lsprotocol", "numpy", "tree-sitter", "hnswlib")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}, {versions},")
    print(f"seed {arguments.seed}, load average {os.getloadavg()[0]:.1f}")
    print("| what | measured | holds |\n|---|---|---|")
    has_failed = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for row in run_attacks(arguments, Path(folder)):
            print(f"| {row.name} | {row.measured} | {'yes' if row.holds else '**no**'} |", flush=True)
            has_failed |= not row.holds
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
