"""Dense search, exact and by the graph, measured: `python tests/benchmarks/graph.py [SOURCE] [--rows N]`, by hand.

SOURCE is a .npy of unit vectors (n, dim), neighbours from one file next to each other, or a folder of source files,
which the embedded model then embeds; without it the vectors are synthetic: clusters of clusters, some vectors twice.
A quarter more of them than N are needed, for queries that are not in the index and for churn.
Prints recall@10 against exact search, latencies, and what the graph costs; above them what determined the numbers.
"""

import argparse
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil

from codekin.code.extract import extract_snippets
from codekin.embed.embedder import load_embedder
from codekin.settings import IndexSettings, ModelSettings
from codekin.types import Role, Skipped, Task
from codekin.vectors.dense_index import DenseIndex, GraphTuning
from codekin.vectors.hnsw_builder import GraphOrder
from codekin.vectors.matrix import FloatArray, LabelArray, normalize_queries
from codekin.workspace.workspace import SourceFile, Workspace

K, QUERIES, ROUNDS, CHURN, SEED = 10, 500, 10, 0.2, 2026
RUN = 50  # vectors that come and go together, as those of a few files do
CHUNK = 4096


def synthetic(path: Path, rows: int, dim: int = 256) -> str:
    """Write clustered random unit vectors, a row each, to `path`; return a description of them.

    Topics, files within them, functions within those; the nearest cosines are about those of real snippets.
    """
    random = np.random.default_rng(SEED)
    weights = np.arange(1, dim + 1, dtype=np.float32) ** -0.4
    levels = [random.standard_normal((count, dim), np.float32) for count in (300, rows // 20)]
    topic = random.integers(0, 300, rows // 20)
    file = np.sort(random.integers(0, rows // 20, rows))
    spread = random.uniform(0.2, 2.2, (rows, 1)).astype(np.float32)
    vectors = levels[0][topic[file]] + 0.7 * levels[1][file] + spread * random.standard_normal((rows, dim), np.float32)
    twins = random.permutation(rows)[: rows // 25]
    vectors[twins] = vectors[np.roll(twins, 1)]
    np.save(path, normalize_queries(vectors * weights)[0])
    return f"synthetic, seed {SEED}"


def embedded(path: Path, folder: Path) -> str:
    """Embed a folder's distinct snippets, write their vectors to `path`, and return a description of them."""
    embedder, workspace = load_embedder(ModelSettings()), Workspace([folder], IndexSettings())
    texts: dict[str, None] = {}
    for file in workspace.walk():
        document = workspace.read_document(file.path) if isinstance(file, SourceFile) else None
        if document is not None and not isinstance(document, Skipped):
            texts.update((snippet.text, None) for snippet in extract_snippets(document.text, document.language))
    every = list(texts)
    parts = [
        embedder.embed(every[start : start + CHUNK], Task.CODE2CODE, Role.PASSAGE)
        for start in range(0, len(every), CHUNK)
    ]
    np.save(path, np.concatenate(parts))
    return f"{len(every):,} snippets of {folder.name}, embedded by {embedder.model} {embedder.fingerprint[:12]}"


class Pool:
    """The vectors in their file; each read opens it anew, so that what is mapped doesn't count as memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows, self.dim = np.load(path, mmap_mode="r").shape

    def __getitem__(self, rows: LabelArray) -> FloatArray:
        return np.array(np.load(self._path, mmap_mode="r")[rows])


def rss_mb() -> float:
    """Return this process's resident memory in megabytes."""
    return psutil.Process().memory_info().rss / 1e6


@contextmanager
def longest_stall_ms(out: list[float]) -> Iterator[None]:
    """Context that appends to `out`, at its end, the longest time in ms that another thread could not run."""
    completed = threading.Event()

    def tick() -> None:
        worst, last = 0.0, time.perf_counter()
        while not completed.wait(0.001):
            now = time.perf_counter()
            worst, last = max(worst, now - last), now
        out.append(worst * 1e3)

    ticker = threading.Thread(target=tick)
    ticker.start()
    yield
    completed.set()
    ticker.join()


def timed(queries: FloatArray, ask: Callable[[FloatArray], object]) -> str:
    """Ask each query alone; return the median and 99th percentile of the times, in ms, as text."""
    seconds = []
    for query in queries:
        began = time.perf_counter()
        ask(query)
        seconds.append(time.perf_counter() - began)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
    return f"p50 {p50:6.2f} ms   p99 {p99:6.2f} ms"


def recall(index: DenseIndex, queries: FloatArray, k: int = K) -> float:
    """Return the share of the `k` nearest vectors that the approximate search finds, 0 to 1.

    An answer counts that is no farther than the last of the exact ones.
    """
    every, hits = index.labels(), 0
    for query in queries:
        exact, approximate = index.search(query, k, every)[1], index.search(query, k)[1]
        hits += int(np.count_nonzero(approximate >= exact[-1] - 1e-6))
    return hits / (k * len(queries))


def churn(index: DenseIndex, pool: Pool, spare: list[LabelArray], live: list[LabelArray]) -> None:
    """Remove a fifth of the vectors and add as many others under new labels; changes index and lists."""
    random = np.random.default_rng(len(index.labels()) + int(index.labels()[-1]))
    random.shuffle(live)
    random.shuffle(spare)
    count = int(CHURN * len(live))
    removed, added = [live.pop() for _ in range(count)], [spare.pop() for _ in range(count)]
    index.retire_labels(np.concatenate(removed))
    first = (int(index.labels()[-1]) // pool.rows + 1) * pool.rows  # label = turn * rows + row: never used again
    labels_added = [first + rows % pool.rows for rows in added]
    for labels in labels_added:
        index.add_vectors(labels, pool[labels % pool.rows])
    live += labels_added
    spare += [labels % pool.rows for labels in removed]


def measure(pool: Pool, rows: int, folder: Path) -> None:
    """Index `rows` vectors; print speed, memory and recall, also after rounds of changes."""
    runs = np.array_split(np.arange(pool.rows), pool.rows // RUN)
    np.random.default_rng(SEED).shuffle(runs)
    query_rows, runs = np.concatenate(runs[: QUERIES // RUN]), runs[QUERIES // RUN :]
    queries, live, spare = pool[query_rows], runs[: rows // RUN], runs[rows // RUN :]
    if len(spare) < CHURN * len(live):
        sys.exit(f"There are {pool.rows:,} vectors; {rows:,} rows need {int(rows * 1.25) + QUERIES:,}. Use --rows.")
    path, problems = folder / "graph", list[str]()
    index, before = DenseIndex(pool.dim, path, "benchmark", on_problem=problems.append), rss_mb()
    began = time.perf_counter()
    for start in range(0, len(live), 80):
        labels = np.concatenate(live[start : start + 80])
        index.add_vectors(labels, pool[labels])
    print(f"add                  {time.perf_counter() - began:.2f} s, {rss_mb() - before:.0f} MB of memory")
    print(f"exact, one           {timed(queries, lambda query: index.search(query, K))}")
    quarter = np.sort(index.labels()[::4])
    print(f"exact, 1/4 allowed   {timed(queries, lambda query: index.search(query, K, quarter))}")
    began = time.perf_counter()
    index.search_many(queries, K)
    print(f"exact, many at once  {(time.perf_counter() - began) / len(queries) * 1e3:.2f} ms each")
    report_graph(index, path, queries)
    for turn in range(1, ROUNDS + 1):
        churn(index, pool, spare, live)
        lacking = recall(index, queries)
        index.maintain_graph()
        index.wait_for_graph()
        after = recall(index, queries)
        print(
            f"recall@{K} after {turn:2} rounds of {CHURN:.0%} churn: {lacking:.4f}, maintained {after:.4f}", flush=True
        )
    print(f"problems: {problems or 'none'}")
    index.close()


def report_graph(index: DenseIndex, path: Path, queries: FloatArray) -> None:
    """Build the graph of an index; print its costs, speed and recall."""
    before, stall = rss_mb(), list[float]()
    began = time.perf_counter()
    index.maintain_graph()
    index.wait_for_graph()
    print(f"graph built in       {time.perf_counter() - began:.1f} s by a process of its own")
    graph = index._snapshot.graph
    if graph is None:
        sys.exit(f"There is no graph: {index.describe_search()}")
    print(f"graph costs          {rss_mb() - before:.0f} MB of memory", end=", ")
    size = sum(file.stat().st_size for file in path.parent.iterdir() if file.name.startswith(path.name))
    print(f"{size / len(index):.0f} bytes per vector on disk; {graph._components.shape[0]} components, ef {graph.ef}")
    with longest_stall_ms(stall):
        index._use_graph(path)
    print(f"loading stalls       {stall[0]:.0f} ms")
    print(f"graph, one           {timed(queries, lambda query: index.search(query, K))}")
    for k in (K, 50, 100):
        print(f"recall@{k:<3}           {recall(index, queries, k):.4f}")


def main() -> None:
    """Measure the graph as the options say, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("source", nargs="?", type=Path)
    arguments.add_argument("--rows", type=int, default=50_000)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "vectors.npy"
        if options.source is None:
            data_name = synthetic(path, int(options.rows * 1.25) + QUERIES + RUN)
        elif options.source.is_dir():
            data_name = embedded(path, options.source)
        else:
            path, data_name = options.source, options.source.name
        pool = Pool(path)
        parts = " ".join(f"{part} {version(part)}" for part in ("codekin", "numpy", "hnswlib"))
        print(
            f"{data_name}: {pool.rows:,} x {pool.dim}, {options.rows:,} of them indexed,",
            f"{QUERIES:,} others asked, k {K}",
        )
        print(f"{parts} Python {platform.python_version()}; {platform.machine()}, {psutil.cpu_count()} cores,", end=" ")
        print(f"load {psutil.getloadavg()[0]:.1f}; {GraphTuning()} {GraphOrder('benchmark', pool.dim)}", flush=True)
        measure(pool, options.rows, Path(temporary))


if __name__ == "__main__":
    main()
