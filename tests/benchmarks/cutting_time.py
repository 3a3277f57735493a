"""How long does cutting take per MB, by language, and how long did it take before?

    python tests/benchmarks/cutting_time.py BASE FOLDER...

By hand: BASE is a folder with another state of the package (`git archive REVISION server/codekin | tar x -C BASE`),
the FOLDERs hold checked-out repositories. Both states cut the same files, up to 2 MB of a language, in turns and in
processes of their own; the least processor time of five turns counts. What the base had no grammar for it cut into
windows of lines. Prints Markdown.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from codekin.code.languages import has_grammar
from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.workspace import SourceFile, Workspace

_ROUNDS = 5
_MAX_BYTES = 2_000_000  # of a language
_MIN_BYTES = 50_000  # with less the time says little
_MEASURE = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from codekin.code.extract import extract_snippets
language, paths = json.load(sys.stdin)
texts = [open(path, encoding="utf-8").read() for path in paths]
extract_snippets(texts[0], language)
started = time.process_time()
for text in texts:
    extract_snippets(text, language)
print(time.process_time() - started)
"""


def collect_files(folders: list[Path]) -> dict[str, list[Path]]:
    """Return language → its ASCII files in the folders, up to 2 MB, without languages that have hardly any."""
    files: dict[str, list[Path]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for folder in folders:
        workspace = Workspace([folder], IndexSettings())
        for file in workspace.walk():
            if not isinstance(file, SourceFile) or not has_grammar(file.language):
                continue
            document = workspace.read_document(file.path)
            if document is None or isinstance(document, Skipped) or document.cells:
                continue
            if document.text.isascii() and sizes[document.language] + document.size < _MAX_BYTES:
                files[document.language].append(file.path)
                sizes[document.language] += document.size
    return {language: paths for language, paths in sorted(files.items()) if sizes[language] >= _MIN_BYTES}


def measure_seconds(package_folder: Path, language: str, paths: list[Path]) -> float:
    """Cut files in a new process with this copy of codekin; return the processor seconds."""
    order = json.dumps([language, [str(path) for path in paths]])
    command = [sys.executable, "-c", _MEASURE, str(package_folder)]
    return float(subprocess.run(command, input=order, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print each language's speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    states = options.base.resolve() / "server", Path(__file__).parents[2] / "server"
    print("| language | MB | before, ms/MB | now, ms/MB | |\n|---|---|---|---|---|")
    for language, paths in collect_files([folder.resolve() for folder in options.folders]).items():
        megabytes = sum(path.stat().st_size for path in paths) / 1e6
        rounds = [[measure_seconds(state, language, paths) for state in states] for _ in range(_ROUNDS)]
        before, now = (1_000 * min(seconds) / megabytes for seconds in zip(*rounds, strict=True))
        print(f"| {language} | {megabytes:.2f} | {before:.0f} | {now:.0f} | {now / before - 1:+.0%} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
