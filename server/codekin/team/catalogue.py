"""What the rows of a shared index mean: repositories, their files, blobs' snippets, and sets of repositories.

A blob's snippets are kept once, whatever repositories and paths have it; a place is a file with a snippet of its blob.
Each content names the set of repositories that have it, so that a search is limited by a short list of numbers. The
files decide what is shown: a set that lags behind can hide a place or cost a look-up, but shows nothing.
"""

import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from codekin.errors import TeamError
from codekin.team.cutting import CutBlob
from codekin.team.keyring import Keyring, make_key, make_number
from codekin.team.shared_index import SharedIndex
from codekin.team.tables import (
    BLOBS,
    FILES,
    META,
    REPOSITORIES,
    SCHEMA_VERSION,
    SNIPPETS,
    Conditions,
    Row,
)

_REPOSITORY_BITS = 40  # a million repositories collide with odds of 1 in 2; a taken number is noticed
_ROWS_PER_CONTENT = 20  # that are read to tell whether it is in some repositories
READY, UPDATING = "ready", "updating"


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """A repository as the index has it."""

    number: int
    name: str
    commit_id: str = ""
    space: str = ""  # those of the vectors that all of that commit's contents have, one a line
    origin: str = ""
    link: str = ""
    state: str = UPDATING
    summary: str = "{}"

    @property
    def spaces(self) -> tuple[str, ...]:
        """Return the spaces in which all contents of the commit have a vector."""
        return tuple(self.space.splitlines())


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """Where a content stands in a repository: lines of a file, and names; no text."""

    content: str
    repository: RepositoryRecord
    path: str
    start: int
    end: int
    name_line: int
    part: int
    kind: str
    language: str
    name: str
    qualified_name: str


@dataclass(frozen=True, slots=True)
class FileChanges:
    """How a repository's files differ from those that the index has: path → key of the blob."""

    put: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)  # the former blobs of `put`

    @property
    def former_blobs(self) -> set[str]:
        """Return the keys of the blobs that some path had and no longer has."""
        return {*self.removed.values(), *self.replaced.values()}


class Catalogue:
    """Reads and writes the rows of a shared index."""

    def __init__(self, index: SharedIndex) -> None:
        self.index = index

    def check(self, keyring: Keyring, *, create: bool) -> None:
        """Check the stored schema version and key; with `create`, store them in an empty index. Raises TeamError."""
        stored = self.read_meta()
        if "schema" not in stored:
            if not create:
                raise TeamError(f"{self.index.description} has no index yet. Run codekin team ingest first.")
            self.write_meta({"schema": str(SCHEMA_VERSION), "key": keyring.check})
            return
        if stored["schema"] != str(SCHEMA_VERSION):
            remedy = "Use the codekin that filled it, or ingest into an empty database or another file."
            versions = f"schema version {stored['schema']}, and this codekin knows {SCHEMA_VERSION}"
            raise TeamError(f"The shared index has {versions}. {remedy}")
        if stored.get("key") != keyring.check:
            raise TeamError("The shared index was filled with another team key. Pass that one with --key FILE.")

    def read_meta(self) -> dict[str, str]:
        """Read what the index stores about itself, such as schema and active space: name → value."""
        return {str(row["name"]): str(row["value"]) for row in self.index.select(META)}

    def write_meta(self, values: Mapping[str, str]) -> None:
        """Store entries about the index itself, such as schema and active space, replacing those of the same names."""
        self.index.upsert(META, [{"name": name, "value": value} for name, value in values.items()])

    # Spaces

    def list_spaces(self) -> dict[str, int]:
        """Read vector space → dimension of its vectors, one for each model that filled the index."""
        return dict(json.loads(self.read_meta().get("spaces", "{}")))

    def open_space(self, space: str, dim: int) -> None:
        """Create and record a vector space unless it exists, and open it; the first one becomes the one searched."""
        self.index.open_space(space, dim)
        spaces = self.list_spaces()
        if space not in spaces:
            self.write_meta({"spaces": json.dumps(spaces | {space: dim})})
        if not self.find_active_space():
            self.activate_space(space)

    def find_active_space(self) -> str:
        """Read the name of the vector space that searches use; "" where there is none yet."""
        return self.read_meta().get("active_space", "")

    def list_searched_spaces(self) -> list[str]:
        """Read the names of the spaces that are or were active: of each, some commit of all repositories is there."""
        return list(json.loads(self.read_meta().get("searched_spaces", "[]")))

    def activate_space(self, space: str) -> None:
        """Store that this vector space is the one to use from now on, in a new generation, so that gateways notice.

        Those that were active before can still be searched.
        """
        spaces = dict.fromkeys([*self.list_searched_spaces(), space])
        self.write_meta({"active_space": space, "searched_spaces": json.dumps(list(spaces))})
        self.bump_generation()

    def drop_space(self, space: str) -> None:
        """Delete a vector space and every record of it. Raises TeamError for the active space, and an unknown one.

        An unknown one's contents are deleted all the same: a drop that was killed may have left them.
        """
        spaces = self.list_spaces()
        if space == self.find_active_space():
            raise TeamError(f"{space} is the space that is searched. Ingest all repositories with another model first.")
        if space in spaces:
            for record in self.list_repositories().values():
                if space in record.spaces:  # first: a later ingest with that model must make its vectors again
                    remaining = "\n".join(name for name in record.spaces if name != space)
                    self.save_repository(replace(record, space=remaining))
            searched = [name for name in self.list_searched_spaces() if name != space]
            remaining_spaces = {name: dim for name, dim in spaces.items() if name != space}
            # With a new generation in the same write: no gateway searches the space any more, even if this is killed.
            values = {"spaces": json.dumps(remaining_spaces), "searched_spaces": json.dumps(searched)}
            self.write_meta(values | _make_generation())
        self.index.drop_space(space)
        if space not in spaces:
            raise TeamError(f"The shared index has no vectors of {space}. See codekin team status.")

    def optimize_spaces(self, changed: Collection[str] = ()) -> None:
        """Optimize the changed vector spaces, and others that need it, as after an ingest that was killed."""
        for space in self.list_spaces():
            if space in changed or self.index.needs_optimizing(space):
                self.index.optimize(space)

    def bump_generation(self) -> None:
        """Store a new generation (the time), from which gateways see that repositories or sets have changed."""
        self.write_meta(_make_generation())

    def read_generation(self) -> str:
        """Read the stored generation, a text that changes whenever repositories or sets do; "" before there are any."""
        rows = self.index.select(META, {"name": ["generation"]})
        return str(rows[0]["value"]) if rows else ""

    # Repositories

    def list_repositories(self) -> dict[int, RepositoryRecord]:
        """Read number → record of all repositories in the index."""
        records = [RepositoryRecord(**row) for row in self.index.select(REPOSITORIES)]  # type: ignore[arg-type]
        return {record.number: record for record in records}

    def find_repository(self, name: str) -> RepositoryRecord:
        """Read a repository's record, else make one, not stored. Raises TeamError if another name has its number."""
        number = make_number(["repository", name], _REPOSITORY_BITS)
        rows = self.index.select(REPOSITORIES, {"number": [number]})
        if not rows:
            return RepositoryRecord(number, name)
        record = RepositoryRecord(**rows[0])  # type: ignore[arg-type]
        if record.name != name:
            raise TeamError(f"{name} and {record.name} have one number by chance. Name one of them differently.")
        return record

    def save_repository(self, record: RepositoryRecord) -> None:
        """Store a repository's record in the index, replacing the one with its number."""
        self.index.upsert(REPOSITORIES, [asdict(record)])

    # Blobs and files

    def list_files(self, number: int) -> dict[str, str]:
        """Read path → blob key, of all files of the repository with this number."""
        return {str(row["path"]): str(row["blob"]) for row in self.index.select(FILES, {"repository": [number]})}

    def filter_complete_blobs(self, space: str, keys: Collection[str]) -> dict[str, set[str]]:
        """Return key → content ids, of these blobs that are cut and have all their vectors in the space."""
        cut_keys = {str(row["key"]) for row in self.index.select(BLOBS, {"key": list(keys)})}
        contents = self.list_contents_of_blobs(cut_keys)
        known = self.index.filter_known(space, {content for ids in contents.values() for content in ids})
        return {key: contents[key] for key in cut_keys if contents[key] <= known}

    def list_contents_of_blobs(self, keys: Collection[str]) -> dict[str, set[str]]:
        """Read blob key → ids of the contents of its snippets; an empty set for a blob without any."""
        contents: dict[str, set[str]] = {key: set() for key in keys}
        for row in self.index.select(SNIPPETS, {"blob": list(keys)}):
            contents[str(row["blob"])].add(str(row["content"]))
        return contents

    def put_blobs(self, blobs: Iterable[CutBlob], keyring: Keyring) -> None:
        """Store the blobs' snippets, then by itself a mark that each is cut. Their contents must be stored before."""
        rows, marks = [], []
        for blob in blobs:
            marks.append({"key": blob.key, "snippets": len(blob.snippets), "reason": blob.reason})
            for position, (content_hash, snippet) in enumerate(blob.snippets):
                rows.append(
                    {
                        "id": make_key(blob.key, position),
                        "blob": blob.key,
                        "content": keyring.make_content_id(content_hash),
                        "start_line": snippet.span.start,
                        "end_line": snippet.span.end,
                        "name_line": snippet.name_line,
                        "part": snippet.part,
                        "kind": str(snippet.kind),
                        "language": snippet.language,
                        "name": snippet.name,
                        "qualified_name": snippet.qualified_name,
                    }
                )
        self.index.upsert(SNIPPETS, rows)  # type: ignore[arg-type]
        self.index.upsert(BLOBS, marks)  # type: ignore[arg-type]

    def write_files(self, number: int, changes: FileChanges) -> None:
        """Store which blob each changed path of a repository has, and delete the paths that are gone."""
        rows: list[Row] = [
            {"id": make_key(number, path), "repository": number, "path": path, "blob": blob}
            for path, blob in changes.put.items()
        ]
        self.index.upsert(FILES, rows)
        if changes.removed:
            self.index.delete(FILES, {"id": [make_key(number, path) for path in changes.removed]})

    def filter_held(self, contents: Collection[str], numbers: Collection[int]) -> set[str]:
        """Return which of these contents a file of these repositories has; it may miss some with many places."""
        snippets = self.index.select(SNIPPETS, {"content": list(contents)}, _ROWS_PER_CONTENT * len(contents))
        blobs = {str(snippet["blob"]) for snippet in snippets}
        conditions: Conditions = {"blob": list(blobs), "repository": list(numbers)}
        files = self.index.select(FILES, conditions, _ROWS_PER_CONTENT * len(blobs))
        held_blobs = {str(file["blob"]) for file in files}
        return {str(snippet["content"]) for snippet in snippets if str(snippet["blob"]) in held_blobs}

    # Places

    def locate(
        self, contents: Sequence[str], repositories: Mapping[int, RepositoryRecord], limit: int
    ) -> list[SharedPlace]:
        """Read which lines of files in these repositories have these contents: SharedPlaces, about `limit` at most."""
        snippets = self.index.select(SNIPPETS, {"content": list(contents)}, 10 * limit)
        snippets_by_blob = defaultdict(list)
        for snippet in snippets:
            snippets_by_blob[str(snippet["blob"])].append(snippet)
        conditions: Conditions = {"blob": list(snippets_by_blob), "repository": list(repositories)}
        files = self.index.select(FILES, conditions, limit)
        return [
            _make_place(snippet, file, repositories[int(file["repository"])])
            for file in files
            if int(file["repository"]) in repositories
            for snippet in snippets_by_blob[str(file["blob"])]
        ]


def _make_generation() -> dict[str, str]:
    """Return the entry of META that makes gateways read repositories, spaces and sets again: the time."""
    return {"generation": str(time.time_ns())}


def _make_place(snippet: Row, file: Row, repository: RepositoryRecord) -> SharedPlace:
    """Return a SharedPlace made of two stored rows: a snippet, and a file that has its blob."""
    return SharedPlace(
        str(snippet["content"]), repository, str(file["path"]),
        int(snippet["start_line"]), int(snippet["end_line"]), int(snippet["name_line"]), int(snippet["part"]),
        str(snippet["kind"]), str(snippet["language"]), str(snippet["name"]), str(snippet["qualified_name"]),
    )  # fmt: skip
