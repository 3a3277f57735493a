"""Load on a team's gateways, and on their engine: `python tests/benchmarks/team_load.py INDEX KEY TOKEN URL …`.

Questions are made of the names of the index's own functions. Printed are latencies with 1, 8 and 32 clients, recall
against exact search (PostgreSQL), and what a filter of 1,000 repository sets costs. Wall-clock times: run it on an idle
machine.
"""

import http.client
import json
import random
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from codekin.code.words import split_words
from codekin.embed.factory import load_light_model
from codekin.settings import ModelSettings
from codekin.team.keyring import load_keyring
from codekin.team.messages import encode_vector
from codekin.team.session import open_catalogue
from codekin.team.shared_index import SetFilter
from codekin.team.tables import SETS, SNIPPETS
from codekin.types import Role, Task

_QUESTIONS = 300
_REQUESTS = 400  # for each number of clients
_EXACT = 40


def make_questions(catalogue) -> list[str]:
    """Return questions made of the words of stored functions' names, drawn with a fixed seed."""
    rows = catalogue.index.select(SNIPPETS, None, 100_000)
    names = [" ".join(split_words(str(row["qualified_name"]))) for row in rows if row["kind"] in ("function", "method")]
    random.seed(1)
    return random.choices([name for name in names if len(name.split()) >= 3], k=_QUESTIONS)


def measure_clients(urls: list[str], token: str, bodies: list[bytes], clients: int) -> None:
    """Send 400 searches from so many threads at once, and print latencies and rate."""
    times: list[float] = []
    errors: list[int] = []
    lock = threading.Lock()

    def ask(number: int) -> None:
        address = urlsplit(urls[number % len(urls)])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        for position in range(number, _REQUESTS, clients):
            started = time.perf_counter()
            headers = {"Authorization": f"Bearer {token}"}
            connection.request("POST", "/v1/search", bodies[position % len(bodies)], headers)
            response = connection.getresponse()
            response.read()
            with lock:
                times.append(time.perf_counter() - started)
                errors.extend([response.status] if response.status != 200 else [])

    started = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    p50, p95, p99 = (1_000 * float(np.percentile(times, share)) for share in (50, 95, 99))
    rate = len(times) / seconds
    print(f"{clients} clients: p50 {p50:.0f} p95 {p95:.0f} p99 {p99:.0f} ms, {rate:.0f}/s, errors {errors}")


def measure_filters(catalogue, space: str, vectors: np.ndarray) -> None:
    """Print how long a vector search takes without a filter, and with lists of repository sets."""
    real = [int(row["id"]) for row in catalogue.index.select(SETS)]
    filters = {"none": SetFilter()}
    for count in (10, 100, 1_000):
        ids = (real[:count] + list(range(1, count + 1)))[:count]
        filters[f"{count} allowed"] = SetFilter(tuple(ids), is_excluded=False)
        filters[f"{count} excluded"] = SetFilter(tuple(ids[: len(ids) // 2] + ids[-(len(ids) - len(ids) // 2) :]))
    for name, allowed in filters.items():
        times = []
        for vector in vectors[:100]:
            started = time.perf_counter()
            catalogue.index.search_vectors(space, vector, 100, allowed)
            times.append(1_000 * (time.perf_counter() - started))
        print(f"filter {name}: p50 {np.percentile(times, 50):.1f} p95 {np.percentile(times, 95):.1f} ms")


def measure_recall(catalogue, space: str, vectors: np.ndarray) -> None:
    """Search by the graph and exactly (PostgreSQL alone), and print recall@10."""
    from pgvector import HalfVector

    from codekin.team.postgres_schema import name_contents

    index = catalogue.index
    hits = 0
    for vector in vectors[:_EXACT]:
        near = {candidate.id for candidate in index.search_vectors(space, vector, 100, SetFilter())[:10]}
        with index._pool.connection() as connection:
            connection.execute("SET enable_indexscan = off")
            statement = f"SELECT id FROM {name_contents(space)} ORDER BY vector <#> %s LIMIT 10"
            rows = connection.execute(statement, [HalfVector(vector)]).fetchall()
            connection.execute("SET enable_indexscan = on")
        hits += len(near & {row[0].hex for row in rows})
    print(f"recall@10 against exact, {_EXACT} questions: {hits / (10 * _EXACT):.3f}")


def main(uri: str, key: str, token: str, *urls: str) -> None:
    """Run all measurements of a filled index and its gateways, and print them."""
    load_keyring(Path(key), create=False)
    embedder = load_light_model(ModelSettings())
    space = embedder.space(Task.CODE2CODE)
    with open_catalogue(uri, Path(key), create=False) as (catalogue, _):
        catalogue.index.open_space(space, embedder.dim)
        print(catalogue.index.description, f"{catalogue.index.count_contents(space):,} contents")
        questions = make_questions(catalogue)
        vectors = embedder.embed(questions, Task.NL2CODE, Role.QUERY)
        bodies = [
            json.dumps(
                {"space": space, "vector": encode_vector(vector), "words": words, "counted_words": words, "k": 100}
            ).encode()
            for vector, words in zip(vectors, (sorted(set(split_words(text))) for text in questions), strict=True)
        ]
        for clients in (1, 1, 8, 32):
            measure_clients(list(urls), token, bodies, clients)
        measure_filters(catalogue, space, vectors)
        if "PostgreSQL" in catalogue.index.description:
            measure_recall(catalogue, space, vectors)


if __name__ == "__main__":
    main(*sys.argv[1:])
