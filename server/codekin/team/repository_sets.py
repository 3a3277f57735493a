"""Which repositories have a content: sets of repositories, each stored once and named by a number.

A user's rights become the short list of those sets that name a repository of hers. The number is a hash of the set, so
that nobody has to hand numbers out.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from codekin.errors import TeamError
from codekin.team.catalogue import UPDATING, Catalogue
from codekin.team.keyring import make_number
from codekin.team.tables import BLOBS, FILES, REPOSITORIES, SETS, SNIPPETS, Row

_SET_BITS = 48
_CHUNK = 2_000  # contents that are settled at a time
_EMPTY_SET = 0


class RepositorySets:
    """Keeps the sets of an index's contents in line with its files, and removes what no file has."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._index = catalogue.index

    def list_sets(self) -> dict[int, frozenset[int]]:
        """Read all stored sets of repositories: set id → numbers of the repositories."""
        return {int(row["id"]): frozenset(json.loads(str(row["members"]))) for row in self._index.select(SETS)}

    def intern_sets(self, sets: Iterable[frozenset[int]]) -> dict[frozenset[int], int]:
        """Return set of repository numbers → id; store new sets, in a new generation, so that gateways notice."""
        ids = {members: make_number(["set", *sorted(members)], _SET_BITS) for members in sets if members}
        stored = {row["id"] for row in self._index.select(SETS, {"id": list(ids.values())})}
        rows: list[Row] = [
            {"id": set_id, "members": json.dumps(sorted(members))}
            for members, set_id in ids.items()
            if set_id not in stored
        ]
        if rows:
            self._index.upsert(SETS, rows)
            self._catalogue.bump_generation()  # before any content names them: gateways must know them by then
        return ids | {frozenset(): _EMPTY_SET}

    def settle(self, contents: Iterable[str]) -> int:
        """Store which repositories have each content now; delete contents that none has and return how many.

        Blobs that no file has are to be removed before.
        """
        remaining, removed_count = list(contents), 0
        spaces = list(self._catalogue.list_spaces())
        for start in range(0, len(remaining), _CHUNK):
            chunk = remaining[start : start + _CHUNK]
            members = self._find_repositories(chunk)
            set_ids = self.intern_sets(set(members.values()))
            dead = [content for content in chunk if not members[content]]
            removed_count += len(dead)
            for space in spaces:
                assigned = {content: set_ids[members[content]] for content in chunk if members[content]}
                self._index.assign_sets(space, assigned)
                self._index.delete_contents(space, dead)
        return removed_count

    def remove_orphans(self, keys: Collection[str]) -> set[str]:
        """Delete those of these blobs that no file has; return the content ids of all of these blobs."""
        contents = self._catalogue.list_contents_of_blobs(keys)
        used = {row["blob"] for row in self._index.select(FILES, {"blob": list(keys)})}
        orphans = [key for key in keys if key not in used]
        if orphans:
            self._index.delete(BLOBS, {"key": orphans})  # first: what is not marked as cut is cut again
            self._index.delete(SNIPPETS, {"blob": orphans})
        return {content for ids in contents.values() for content in ids}

    def list_claimed(self, number: int) -> set[str]:
        """Read the ids of contents whose stored set names the repository: too many if an ingest was cut off."""
        set_ids = [set_id for set_id, members in self.list_sets().items() if number in members]
        return {
            content for space in self._catalogue.list_spaces() for content in self._index.list_contents(space, set_ids)
        }

    def forget(self, name: str) -> int:
        """Delete a repository, and what only it had; return how many contents were deleted. Raises TeamError."""
        record = self._catalogue.find_repository(name)
        if not record.commit_id and not self._catalogue.list_files(record.number):
            raise TeamError(f"The shared index has no repository {name}. See codekin team status.")
        for space, dim in self._catalogue.list_spaces().items():
            self._index.open_space(space, dim)  # before anything is removed: it may be unsound
        self._catalogue.save_repository(replace(record, commit_id="", state=UPDATING))
        blobs = set(self._catalogue.list_files(record.number).values())
        self._index.delete(FILES, {"repository": [record.number]})
        contents = self.remove_orphans(blobs) | self.list_claimed(record.number)
        count = self.settle(contents)
        self._index.delete(REPOSITORIES, {"number": [record.number]})
        self._catalogue.bump_generation()
        self._catalogue.optimize_spaces()  # what others have, too, is in no graph any more
        return count

    def _find_repositories(self, contents: Sequence[str]) -> dict[str, frozenset[int]]:
        """Read content id → numbers of the repositories that have a file with the content."""
        blobs: dict[str, set[str]] = {content: set() for content in contents}
        for row in self._index.select(SNIPPETS, {"content": list(contents)}):
            blobs[str(row["content"])].add(str(row["blob"]))
        members: dict[str, set[int]] = defaultdict(set)
        keys = {key for content_blobs in blobs.values() for key in content_blobs}
        for row in self._index.select(FILES, {"blob": list(keys)}):
            members[str(row["blob"])].add(int(row["repository"]))
        return {
            content: frozenset(number for key in content_blobs for number in members[key])
            for content, content_blobs in blobs.items()
        }
