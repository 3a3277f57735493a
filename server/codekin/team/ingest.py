"""Fill a shared index from clones of Git repositories: one after the other, each in the order of repository_update."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace

from codekin.errors import QueryError
from codekin.team.catalogue import READY
from codekin.team.cutting import TreeFilter
from codekin.team.git_repository import RepositoryClone, TreeFile, make_link_template
from codekin.team.repository_update import IngestContext, IngestSummary, RepositoryUpdate
from codekin.types import OnProgress


def ingest_repositories(
    context: IngestContext, repositories: Iterable[RepositoryClone], on_progress: OnProgress = lambda _: None
) -> Iterator[IngestSummary]:
    """Ingest each clone's commit, yielding a summary of each; then optimize the index and activate a complete space.

    An error of a repository is in its summary. Raises TeamError, ModelError. When all repositories of the index have
    vectors of the context's space, searches use that one from then on.
    """
    has_changed = False
    for repository in repositories:
        summary = _ingest_repository(context, repository, on_progress)
        has_changed |= not summary.is_unchanged
        yield summary
    context.catalogue.optimize_spaces(changed=[context.space] if has_changed else [])
    records = context.catalogue.list_repositories().values()
    is_complete = all(context.space in record.spaces and record.state == READY for record in records)
    if is_complete and context.catalogue.find_active_space() != context.space:
        context.catalogue.activate_space(context.space)


def _ingest_repository(context: IngestContext, repository: RepositoryClone, on_progress: OnProgress) -> IngestSummary:
    """Update the index to a clone's commit unless it has it, store that it is done, and return a summary.

    An error of the repository is in the summary. Raises TeamError.
    """
    started = time.monotonic()
    try:
        commit = repository.resolve_commit()
        record = context.catalogue.find_repository(repository.name)
        is_same = record.state == READY and record.commit_id == commit
        if is_same and context.space in record.spaces:
            return IngestSummary(repository.name, commit, is_unchanged=True)
        tree_filter = TreeFilter(context.index_settings)
        tree: dict[str, TreeFile] = {
            file.path: file for file in repository.list_files(commit) if tree_filter.keeps(file)
        }
        summary = RepositoryUpdate(context, repository, record, on_progress).run(commit, tree)
    except QueryError as error:
        return IngestSummary(repository.name, error=str(error))
    summary.seconds = time.monotonic() - started
    origin = repository.read_origin()
    context.catalogue.save_repository(
        replace(
            record,
            commit_id=commit,
            space="\n".join(sorted({context.space, *(record.spaces if is_same else ())})),
            origin=origin,
            link=make_link_template(origin),
            state=READY,
            summary=json.dumps(asdict(summary)),
        )
    )
    context.catalogue.bump_generation()
    return summary
