"""What the commands do with a shared index: open it, fill it, describe it, check it."""

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codekin.errors import QueryError, TeamError, name_missing_package
from codekin.settings import IndexSettings, ModelSettings
from codekin.team.catalogue import READY, Catalogue
from codekin.team.cutting import load_team_embedder
from codekin.team.git_repository import RepositoryClone, find_repositories
from codekin.team.ingest import ingest_repositories
from codekin.team.keyring import Keyring, default_key_file, load_keyring
from codekin.team.repository_sets import RepositorySets
from codekin.team.repository_update import IngestContext, IngestSummary
from codekin.team.shared_index import open_shared_index
from codekin.team.tables import BLOBS, FILES
from codekin.team.workers import IngestWorkers, ProcessWorkers, WorkerSettings
from codekin.types import OnProgress, Task

_SAMPLED_REPOSITORIES = 50  # that doctor looks into
_SAMPLED_BLOBS = 2_000  # of each


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How `codekin team ingest` works."""

    model: str | None = None
    workers: int | None = None
    ray: bool = False
    ray_address: str | None = None
    watch: float | None = None
    key: Path | None = None


@contextmanager
def open_catalogue(uri: str, key: Path | None, *, create: bool) -> Iterator[tuple[Catalogue, Keyring]]:
    """Context with an open shared index and its keyring; `create` makes key and schema if missing. Raises TeamError."""
    keyring = load_keyring(key or default_key_file(), create=create)
    if not create and uri.endswith(".db") and not Path(uri).exists():  # Milvus Lite would create it
        raise TeamError(f"{uri} does not exist. Run codekin team ingest first.")
    try:
        index = open_shared_index(uri)
    except ImportError as error:
        raise TeamError(name_missing_package(str(error.name), "team")) from error
    try:
        catalogue = Catalogue(index)
        catalogue.check(keyring, create=create)
        yield catalogue, keyring
    finally:
        index.close()


def run_ingest(source: Path, uri: str, options: IngestOptions, on_progress: OnProgress) -> Iterator[IngestSummary]:
    """Ingest the clones of a folder or list, with `watch` fetching and repeating for ever; yield summaries.

    The later rounds yield what has changed or failed alone. Raises TeamError.
    """
    repositories = find_repositories(source)
    default_model = ModelSettings(small=False)  # which every client has
    model = replace(default_model, name=options.model) if options.model else default_model
    with open_catalogue(uri, options.key, create=True) as (catalogue, keyring), catalogue.index.lock_ingest():
        embedder = load_team_embedder(model)
        space = embedder.space(Task.CODE2CODE)
        catalogue.open_space(space, embedder.dim)
        settings = WorkerSettings(IndexSettings(), model, keyring.key)
        with _make_workers(settings, options) as workers:
            context = IngestContext(catalogue, keyring, space, workers, settings.index)
            yield from ingest_repositories(context, repositories, on_progress)
            while options.watch is not None:
                time.sleep(options.watch)
                yield from _fetch(repositories)
                summaries = ingest_repositories(context, find_repositories(source), on_progress)
                yield from (summary for summary in summaries if not summary.is_unchanged)


def describe_index(catalogue: Catalogue) -> dict[str, Any]:
    """Return a dict for JSON: an index's engine, schema version, vector spaces with counts, and repositories."""
    meta = catalogue.read_meta()
    active = meta.get("active_space")
    spaces = [
        {
            "space": space,
            "dim": dim,
            "is_active": space == active,
            "is_searched": space in {active, *catalogue.list_searched_spaces()},
            "contents": _count_contents(catalogue, space, dim),
        }
        for space, dim in catalogue.list_spaces().items()
    ]
    repositories = [
        {
            "name": record.name,
            "commit": record.commit_id,
            "state": record.state,
            "origin": record.origin,
            "summary": json.loads(record.summary),
        }
        for record in catalogue.list_repositories().values()
    ]
    return {
        "engine": catalogue.index.description,
        "schema": int(meta["schema"]),
        "spaces": spaces,
        "repositories": sorted(repositories, key=lambda repository: str(repository["name"])),
    }


def check_index(catalogue: Catalogue) -> list[str]:
    """Return findings with remedies: unfinished repositories; by sample, missing or hidden contents; former spaces."""
    findings: list[str] = []
    records = catalogue.list_repositories()
    active = catalogue.find_active_space()
    if not active or not records:
        return ["There are no repositories yet. Run codekin team ingest."]
    catalogue.index.open_space(active, catalogue.list_spaces()[active])
    for record in records.values():
        if record.state != READY:
            findings.append(f"The ingest of {record.name} was interrupted. Run codekin team ingest again.")
        elif active not in record.spaces:
            findings.append(f"{record.name} has no vectors of the model that is searched. Ingest it again.")
    for record in list(records.values())[:_SAMPLED_REPOSITORIES]:
        findings += _check_repository(catalogue, record.number, record.name, active)
    current_spaces = {space for record in records.values() for space in record.spaces}
    for space in catalogue.list_spaces().keys() - current_spaces:
        remedy = f"They take room: codekin team drop {shlex.quote(space)} deletes them."
        findings.append(f"No repository's present commit has vectors of {space}. {remedy}")
    return findings


def _check_repository(catalogue: Catalogue, number: int, name: str, space: str) -> list[str]:
    """Check up to 2,000 files of a repository; return findings: blobs not cut, contents without vector or hidden."""
    rows = catalogue.index.select(FILES, {"repository": [number]}, _SAMPLED_BLOBS)
    keys = {str(row["blob"]) for row in rows}
    cut = {str(row["key"]) for row in catalogue.index.select(BLOBS, {"key": list(keys)})}
    contents = catalogue.list_contents_of_blobs(cut)
    ids = {content for found in contents.values() for content in found}
    known = catalogue.index.filter_known(space, ids)
    remedy = f"Run codekin team forget {name}, then codekin team ingest."
    findings = []
    if keys - cut:
        findings.append(f"{len(keys - cut):,} files of {name} are not cut. {remedy}")
    if ids - known:
        findings.append(f"{len(ids - known):,} contents of {name} have no vector. {remedy}")
    sets = RepositorySets(catalogue).list_sets()
    claimed = catalogue.index.list_contents(space, [set_id for set_id, members in sets.items() if number in members])
    if known - claimed:
        findings.append(f"{len(known - claimed):,} contents of {name} can't be found by its readers. {remedy}")
    return findings


def _count_contents(catalogue: Catalogue, space: str, dim: int) -> int:
    """Open a vector space and return how many contents it has."""
    catalogue.index.open_space(space, dim)
    return catalogue.index.count_contents(space)


def _make_workers(settings: WorkerSettings, options: IngestOptions) -> IngestWorkers:
    """Return workers, not started yet: Ray's if an option says so, else processes. Raises TeamError."""
    if not (options.ray or options.ray_address):
        return ProcessWorkers(settings, options.workers or 0)
    try:
        from codekin.team.ray_workers import RayWorkers
    except ImportError as error:
        raise TeamError(name_missing_package("ray", "team")) from error
    return RayWorkers(settings, options.ray_address, options.workers or 0)


def _fetch(repositories: list[RepositoryClone]) -> Iterator[IngestSummary]:
    """Run git fetch in each clone; yield a summary, with the error, of each that failed."""
    for repository in repositories:
        try:
            repository.fetch()
        except QueryError as error:
            yield IngestSummary(repository.name, error=str(error).splitlines()[0])
