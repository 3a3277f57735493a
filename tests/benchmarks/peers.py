"""codekin beside its peers, in one run: index, memory, disk, questions, clones, vectors.

    python tests/benchmarks/peers.py --bench BENCH --checkouts DIR --environments DIR [--name NAME]… [--workspace DIR]…

Each NAME is a repository of BENCH (a folder with repos.json and queries.jsonl), checked out at DIR/NAME; each workspace
is indexed and asked the same questions, without a figure of quality. All run on one processor, one after the other, in
three rounds; the tables have medians. VectorCode is not compared: it is on no registry that was at hand. Figures of one
run are comparable with each other, not with another machine's.
"""

import argparse
import json
import os
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from peer_drivers.install_peers import (
    JSCPD,
    SEMBLE,
    install_jscpd,
    install_ripgrep,
    install_semble,
    write_model2vec_model,
)
from peer_drivers.measure import Answers, Usage, ask, compute_size_mb, measure

from codekin.embed.embedder import load_embedder
from codekin.evaluation.repositories import (
    AnsweredQuestion,
    Repository,
    Target,
    compute_mean_ndcg,
    load_repositories,
)
from codekin.settings import ModelSettings
from codekin.types import Role, Span, Task

DRIVERS = Path(__file__).parent / "peer_drivers"
ROUNDS = 3
QUESTIONS = 200
CODEKIN = [sys.executable, "-I", "-m", "codekin"]
ONE_PROCESSOR = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class Tree:
    """A folder to index, and the repository of the benchmark whose questions it answers, if any."""

    name: str
    folder: Path
    repository: Repository | None = None


@dataclass(frozen=True)
class Peer:
    """An index with a command line."""

    name: str
    index: Callable[[Path], list[str]]
    ask: Callable[[Path], list[str]]
    cache_variable: str


def main() -> None:
    """Measure codekin beside its peers and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--environments", type=Path, required=True, help="where the peers are installed")
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--workspace", type=Path, action="append", default=[])
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    repositories = load_repositories(options.bench)
    trees = [
        Tree(repository.name, (options.checkouts / repository.name / repository.root).resolve(), repository)
        for repository in repositories
        if repository.name in options.name
    ] + [Tree(folder.name, folder.resolve()) for folder in options.workspace]
    questions = [question.text for repository in repositories for question in repository.questions]
    questions = random.Random(0).sample(questions, QUESTIONS)
    print_setting()
    semble = install_semble(options.environments.resolve())
    model = write_model2vec_model(options.environments.resolve() / "codekin-static")
    for tree in trees:
        compare_indexes(tree, list_indexes(semble, model), questions)
        compare_exact_words(tree, install_ripgrep(options.environments.resolve()))
        compare_clones(tree, install_jscpd(options.environments.resolve()))
    compare_encoders(semble, model, trees)


def print_setting() -> None:
    """Print versions, machine and load."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"codekin {version('codekin')}, {SEMBLE} with codekin-static's table, {JSCPD}, Python", end=" ")
    print(f"{platform.python_version()}, one processor of {os.cpu_count()}, load {load}, medians of {ROUNDS} rounds")


def list_indexes(semble: Path, model: Path) -> list[Peer]:
    """Return codekin and semble, each with its commands and the variable that names its cache."""
    ask_semble = [str(semble), str(DRIVERS / "ask_semble.py")]
    return [
        Peer(
            "codekin",
            lambda tree: [*CODEKIN, "index", str(tree)],
            lambda tree: [sys.executable, str(DRIVERS / "ask_codekin.py"), str(tree)],
            "CODEKIN_CACHE_DIRECTORY",
        ),
        Peer(
            "semble",
            lambda tree: [*ask_semble, "index", str(model), str(tree)],
            lambda tree: [*ask_semble, "ask", str(model), str(tree)],
            "SEMBLE_CACHE_LOCATION",
        ),
    ]


def compare_indexes(tree: Tree, peers: Sequence[Peer], questions: Sequence[str]) -> None:
    """Index and ask with each peer in turn, and print a table of medians."""
    print(f"\n{tree.name}: {compute_size_mb(tree.folder):.1f} MB")
    own_questions = [question.text for question in tree.repository.questions] if tree.repository else []
    runs: dict[str, list[tuple[Usage, Usage, Answers, float]]] = {peer.name: [] for peer in peers}
    for _ in range(ROUNDS):
        for peer in peers:
            with tempfile.TemporaryDirectory() as folder:
                cache = Path(folder, "cache")
                environment = {peer.cache_variable: str(cache), **ONE_PROCESSOR}
                first, second = (measure(peer.index(tree.folder), environment) for _ in range(2))
                size_mb = compute_size_mb(cache)
                asked = [*own_questions, *questions]
                answers = ask(peer.ask(tree.folder), environment, asked, Path(folder))
                runs[peer.name].append((first, second, answers, size_mb))
    print(
        f"  {'':8} {'index s':>8} {'CPU s':>7} {'peak MB':>8} {'again s':>8} {'disk MB':>8} {'answer s':>9}"
        f" {'p50 ms':>7} {'p99 ms':>7} {'idle MB':>8} {'private':>8} {'snippets':>9} {'NDCG@10':>8}"
    )
    for name, measured in runs.items():
        print(f"  {name:8} " + format_row(tree, measured))


def format_row(tree: Tree, measured: Sequence[tuple[Usage, Usage, Answers, float]]) -> str:
    """Format the medians of one index's rounds as a row of the table."""

    def median(value: Callable[[tuple[Usage, Usage, Answers, float]], float]) -> float:
        return statistics.median(map(value, measured))

    answers = measured[0][2]
    count = len(tree.repository.questions) if tree.repository else 0
    quality = f"{compute_ndcg(tree, answers):8.3f}" if tree.repository else f"{'':>8}"
    return (
        f"{median(lambda run: run[0].wall_s):8.2f} {median(lambda run: run[0].processor_s):7.2f}"
        f" {median(lambda run: run[0].peak_mb):8.0f} {median(lambda run: run[1].wall_s):8.2f}"
        f" {median(lambda run: run[3]):8.1f} {median(lambda run: run[2].first_answer_s):9.2f}"
        f" {median(lambda run: 1e3 * statistics.median(run[2].seconds[count:])):7.2f}"
        f" {median(lambda run: 1e3 * sorted(run[2].seconds[count:])[-len(run[2].seconds[count:]) // 100 or -1]):7.2f}"
        f" {median(lambda run: run[2].idle_mb):8.0f} {median(lambda run: run[2].private_mb):8.0f}"
        f" {answers.snippets:9,} {quality}"
    )


def compute_ndcg(tree: Tree, answers: Answers) -> float:
    """Return the mean NDCG@10 of the answers to the repository's own questions."""
    root = tree.repository.root
    prefix = f"{root}/" if root else ""
    return compute_mean_ndcg(
        [
            AnsweredQuestion(
                question, tuple(Target(prefix + path, Span(start - 1, end)) for path, start, end in question_hits)
            )
            for question, question_hits in zip(tree.repository.questions, answers.hits, strict=False)
        ]
    )


def compare_exact_words(tree: Tree, ripgrep: Path) -> None:
    """Find 50 identifiers by ripgrep and by codekin, and print the median times."""
    identifiers = {word for text in list_texts([tree]) for word in re.findall(r"\b[A-Za-z_]{10,}\b", text)}
    words = random.Random(0).sample(sorted(identifiers), 50)
    seconds = []
    for word in words:
        began = time.perf_counter()
        subprocess.run([str(ripgrep), "-nw", word, str(tree.folder)], stdout=subprocess.DEVNULL, check=False)
        seconds.append(time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CODEKIN_CACHE_DIRECTORY": f"{folder}/cache", **ONE_PROCESSOR}
        asked = [sys.executable, str(DRIVERS / "ask_codekin.py"), str(tree.folder)]
        answers = ask(asked, environment, [*words, *words], Path(folder))
    own, peer = statistics.median(answers.seconds[len(words) :]), statistics.median(seconds)
    print(f"  an identifier: codekin {1e3 * own:.1f} ms (warm, ranked), a run of ripgrep {1e3 * peer:.1f} ms")


def compare_clones(tree: Tree, jscpd: Path) -> None:
    """Run clone detection by codekin, after indexing, and by jscpd; print time and memory."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CODEKIN_CACHE_DIRECTORY": folder, **ONE_PROCESSOR}
        measure([*CODEKIN, "index", str(tree.folder)], environment)
        commands = {
            "codekin duplicates": [*CODEKIN, "duplicates", "--root", str(tree.folder), "--json"],
            "jscpd": [str(jscpd), str(tree.folder), "--silent", "--reporters", "json", "--output", f"{folder}/jscpd"],
        }
        for name, command in commands.items():
            usages = [measure(command, environment) for _ in range(ROUNDS)]
            wall_s, processor_s = (
                statistics.median(map(value, usages)) for value in (lambda u: u.wall_s, lambda u: u.processor_s)
            )
            peak_mb = max(usage.peak_mb for usage in usages)
            print(f"  {name:20}  {wall_s:.2f} s, {processor_s:.2f} s of processor time, {peak_mb:.0f} MB")


def list_texts(trees: Sequence[Tree]) -> Iterator[str]:
    """Yield blocks of 30 lines of the trees' source files."""
    for tree in trees:
        for path in sorted(tree.folder.rglob("*.*")):
            if path.suffix in {".py", ".php", ".java", ".rb", ".ts"} and path.is_file():
                lines = path.read_text("utf-8", "replace").split("\n")
                yield from ("\n".join(lines[start : start + 30]) for start in range(0, len(lines), 30))


def compare_encoders(semble: Path, model: Path, trees: Sequence[Tree]) -> None:
    """Embed 5,000 texts by codekin and by model2vec with the same table, and print texts a second."""
    texts = list(list_texts(trees))[:5_000]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "texts.json")
        path.write_text(json.dumps(texts), "utf-8")
        command = [str(semble), str(DRIVERS / "encode_model2vec.py"), str(model), str(path)]
        environment = {**os.environ, **ONE_PROCESSOR}
        peer = [float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout) for _ in "123"]
    embedder = load_embedder(ModelSettings())
    embedder.embed(texts[:100], Task.NL2CODE, Role.PASSAGE)
    own = []
    for _ in range(ROUNDS):
        began = time.process_time()
        vectors = embedder.embed(texts, Task.NL2CODE, Role.PASSAGE)
        own.append(time.process_time() - began)
    assert np.isfinite(vectors).all()
    rates = [len(texts) / statistics.median(seconds) for seconds in (own, peer)]
    print(f"\nvectors of {len(texts):,} texts of 30 lines: codekin {rates[0]:,.0f}/s, model2vec {rates[1]:,.0f}/s")


if __name__ == "__main__":
    if shutil.which("npm") is None:
        sys.exit("npm is missing: jscpd needs it.")
    main()
