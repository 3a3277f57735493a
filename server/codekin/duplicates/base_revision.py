"""Read files as they are at a revision of a Git repository, with nothing of that repository being run."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codekin.errors import QueryError
from codekin.processes import ProcessTimeoutError
from codekin.workspace.git_command import run_git


class Blob(NamedTuple):
    """A file's content at the revision."""

    id: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class BaseRevision:
    """A revision of the repository that a folder is in."""

    root: Path
    commit: str
    blobs: Mapping[Path, Blob]  # regular files below the root, by their paths in the working tree

    def is_unchanged(self, file_path: Path, file_bytes: bytes) -> bool:
        """Return whether the file had these bytes at the revision; False where Git converts its line ends."""
        blob = self.blobs.get(file_path)
        if blob is None or blob.size != len(file_bytes):
            return False
        algorithm = "sha1" if len(blob.id) == 40 else "sha256"
        digest = hashlib.new(algorithm, b"blob %d\0" % len(file_bytes), usedforsecurity=False)
        digest.update(file_bytes)
        return digest.hexdigest() == blob.id

    def read_files(self, file_paths: Sequence[Path]) -> dict[Path, bytes]:
        """Read files by Git; return path → bytes at the revision; missing blobs are left out. Raises QueryError."""
        blob_ids = [self.blobs[file_path].id for file_path in file_paths]
        output = run_git(
            self.root, "cat-file", "--batch", stdin="".join(f"{blob_id}\n" for blob_id in blob_ids).encode()
        )
        contents: dict[Path, bytes] = {}
        position = 0
        for file_path in file_paths:
            line_end = output.index(b"\n", position)
            header_fields = output[position:line_end].split()
            position = line_end + 1
            if header_fields[1:2] != [b"blob"]:  # missing: a partial clone
                continue
            contents[file_path] = output[position : position + int(header_fields[2])]
            position += int(header_fields[2]) + 1
        return contents


def open_base_revision(workspace_root: Path, reference: str) -> BaseRevision:
    """Ask Git for the merge base of HEAD and `reference` (else `reference`) and its files' ids. Raises QueryError."""
    tip_commit = _resolve_revision(workspace_root, reference)
    try:
        base_commit = run_git(workspace_root, "merge-base", tip_commit, "HEAD").decode().strip()
    except QueryError:  # no common history is known, as in a shallow clone
        base_commit = tip_commit
    blobs: dict[Path, Blob] = {}
    for tree_entry in run_git(workspace_root, "ls-tree", "-r", "-z", "-l", base_commit).split(b"\0"):
        entry_fields, _, file_name = tree_entry.partition(b"\t")
        mode, object_type, blob_id, blob_size = entry_fields.split() if file_name else (b"", b"", b"", b"")
        if object_type == b"blob" and mode in (b"100644", b"100755") and blob_size.isdigit():
            blobs[workspace_root / os.fsdecode(file_name)] = Blob(blob_id.decode(), int(blob_size))
    return BaseRevision(workspace_root, base_commit, blobs)


def read_committed_text(file_path: Path) -> str:
    """Read by Git a file's text at HEAD; "" if it is in no repository, or was never committed."""
    try:
        return run_git(file_path.parent, "cat-file", "blob", f"HEAD:./{file_path.name}").decode(errors="replace")
    except (QueryError, ProcessTimeoutError):
        return ""


def _resolve_revision(workspace_root: Path, reference: str) -> str:
    """Ask Git for the full hash of the commit that `reference` names. Raises QueryError if there is none."""
    try:
        revision_name = f"{reference}^{{commit}}"
        return (
            run_git(workspace_root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision_name)
            .decode()
            .strip()
        )
    except QueryError as error:
        remedy = "Pass a branch, tag or commit; in a shallow clone, fetch it first."
        raise QueryError(f"There is no revision {reference} in {workspace_root} ({error}). {remedy}") from error
