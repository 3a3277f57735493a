"""Bring a shared index up to date with one repository, so that a kill at any moment loses and repeats nothing.

The order of writes makes it so: that the repository is under way; contents; blobs' snippets, and that a blob is cut;
files; the sets of what has come or gone; at last the commit. Whatever was cut off is seen as missing by the next run,
and made up for; of a repository that was under way, all that claims to belong to it is checked again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from codekin.settings import IndexSettings
from codekin.team.catalogue import UPDATING, Catalogue, FileChanges, RepositoryRecord
from codekin.team.cutting import BlobFile, CutBlob, EmbeddedTexts, make_blob_key
from codekin.team.git_repository import RepositoryClone, TreeFile
from codekin.team.keyring import Keyring
from codekin.team.repository_sets import RepositorySets
from codekin.team.shared_index import SharedContent
from codekin.team.workers import IngestWorkers
from codekin.types import OnProgress, Progress

_BLOBS_PER_BATCH = 64  # some 0.2 s of cutting
_KEYS_PER_CHECK = 5_000


@dataclass(frozen=True, slots=True)
class IngestContext:
    """What an ingest works with."""

    catalogue: Catalogue
    keyring: Keyring
    space: str  # of the vectors it writes; open
    workers: IngestWorkers  # entered
    index_settings: IndexSettings


@dataclass(slots=True)
class IngestSummary:
    """What an ingest did for one repository."""

    repository: str
    commit: str = ""
    is_unchanged: bool = False
    files: int = 0
    cut: int = 0  # blobs
    snippets: int = 0  # of them
    embedded: int = 0  # contents
    known: int = 0  # contents that had a vector already
    removed: int = 0  # contents that no repository has any more
    skipped: dict[str, int] = field(default_factory=dict)  # blobs, by reason
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Blobs that are cut, and the texts of their contents that nobody has embedded yet, by id."""

    blobs: list[CutBlob]
    new_texts: dict[str, str]


class RepositoryUpdate:
    """The update of one repository to one commit. Use it once."""

    def __init__(
        self, context: IngestContext, repository: RepositoryClone, record: RepositoryRecord, on_progress: OnProgress
    ) -> None:
        """Change nothing in the index yet. `record` is what the index has of the repository."""
        self._context = context
        self._catalogue = context.catalogue
        self._sets = RepositorySets(context.catalogue)
        self._repository = repository
        self._record = record
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._total = 0  # blobs to cut
        self._claimed: set[str] = set()  # contents that this update has embedded, or is about to
        self._affected: set[str] = set()  # contents whose repositories may have changed
        self._summary = IngestSummary(repository.name)

    def run(self, commit: str, tree: Mapping[str, TreeFile]) -> IngestSummary:
        """Update contents, blobs, files and sets to the commit's tree; return a summary. The caller marks it done.

        Raises QueryError, TeamError.
        """
        summary, record = self._summary, self._record
        summary.commit, summary.files = commit, len(tree)
        self._catalogue.save_repository(replace(record, state=UPDATING))
        keys = {path: make_blob_key(file) for path, file in tree.items()}
        changes = self._find_changes(keys)
        is_whole = record.state == UPDATING or self._context.space not in record.spaces
        candidates = {key: path for path, key in (keys if is_whole else changes.put).items()}
        unfinished = candidates.keys() - self._find_complete(list(candidates))
        files = [BlobFile(key, tree[candidates[key]].blob, candidates[key]) for key in sorted(unfinished)]
        self._cut_and_embed(sorted(files, key=lambda file: file.path))
        summary.known = len(self._affected)
        self._catalogue.write_files(record.number, changes)
        self._affected |= self._sets.remove_orphans(changes.former_blobs)
        if record.state == UPDATING:
            self._affected |= self._sets.list_claimed(record.number)
        summary.removed = self._sets.settle(self._affected)
        return summary

    def _find_changes(self, keys: Mapping[str, str]) -> FileChanges:
        """Return the FileChanges from the index's files of the repository to the tree, given as path → blob key."""
        stored = self._catalogue.list_files(self._record.number)
        put = {path: key for path, key in keys.items() if stored.get(path) != key}
        return FileChanges(
            put,
            {path: key for path, key in stored.items() if path not in keys},
            {path: stored[path] for path in put if path in stored},
        )

    def _find_complete(self, keys: Sequence[str]) -> set[str]:
        """Return which blobs are cut and embedded already; note their contents, whose sets are settled later."""
        complete: set[str] = set()
        for start in range(0, len(keys), _KEYS_PER_CHECK):
            contents = self._catalogue.filter_complete_blobs(self._context.space, keys[start : start + _KEYS_PER_CHECK])
            complete |= contents.keys()
            self._affected.update(*contents.values())
        return complete

    def _cut_and_embed(self, files: Sequence[BlobFile]) -> None:
        """Cut blobs and embed their new contents in the workers; store both as they come."""
        self._total = len(files)
        own_set = frozenset([self._record.number])
        set_id = self._sets.intern_sets([own_set])[own_set]
        batches: list[_Batch | None] = []

        def make_texts() -> Iterator[list[str]]:
            """Yield the new texts of each batch of blobs, claiming them; store a batch without any at once."""
            for blobs in self._context.workers.cut(self._repository, _split(files)):
                batch = self._plan_batch(blobs)
                if batch.new_texts:
                    batches.append(batch)
                    yield list(batch.new_texts.values())
                else:
                    self._catalogue.put_blobs(blobs, self._context.keyring)

        for number, embedded in self._context.workers.embed(make_texts()):
            batch, batches[number] = batches[number], None
            if batch is not None:
                self._store_batch(batch, embedded, set_id)

    def _plan_batch(self, blobs: list[CutBlob]) -> _Batch:
        """Return cut blobs with texts that need a vector, marked as claimed; count the blobs and report progress."""
        texts = {
            self._context.keyring.make_content_id(content_hash): snippet.text
            for blob in blobs
            for content_hash, snippet in blob.snippets
        }
        unclaimed = texts.keys() - self._claimed
        known = self._catalogue.index.filter_known(self._context.space, unclaimed) if unclaimed else set()
        self._affected |= known
        new_texts = {content_id: text for content_id, text in texts.items() if content_id in unclaimed - known}
        self._claimed.update(new_texts)
        self._count(blobs)
        return _Batch(blobs, new_texts)

    def _store_batch(self, batch: _Batch, embedded: EmbeddedTexts, set_id: int) -> None:
        """Store a batch's new contents with their vectors in the set `set_id`, then its blobs; count the contents."""
        self._summary.embedded += len(batch.new_texts)
        contents = [
            SharedContent(content_id, set_id, vector, *hashed)
            for content_id, vector, hashed in zip(batch.new_texts, embedded.vectors, embedded.words, strict=True)
        ]
        self._catalogue.index.put_contents(self._context.space, contents)
        self._catalogue.put_blobs(batch.blobs, self._context.keyring)

    def _count(self, blobs: Sequence[CutBlob]) -> None:
        """Add blobs cut into snippets, or skipped, to the summary's counts; report progress."""
        summary = self._summary
        summary.cut += len(blobs)
        for blob in blobs:
            summary.snippets += len(blob.snippets)
            if blob.reason:
                summary.skipped[blob.reason] = summary.skipped.get(blob.reason, 0) + 1
        elapsed_s = time.monotonic() - self._started
        seconds_left = elapsed_s * (self._total - summary.cut) / summary.cut
        self._on_progress(Progress(summary.cut, self._total, seconds_left))


def _split(files: Sequence[BlobFile]) -> Iterator[list[BlobFile]]:
    """Yield the blobs in lists of at most 64."""
    remaining = iter(files)
    while batch := list(islice(remaining, _BLOBS_PER_BATCH)):
        yield batch
