"""Clones of Git repositories, bare or not: their default branch's files by blob id, and where a forge shows them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from codekin.errors import QueryError
from codekin.files import read_file
from codekin.processes import ProcessTimeoutError
from codekin.workspace.git_command import REMOTE_PROTOCOLS, run_git

_TIMEOUT_S = 600.0  # of one command, for packs of gigabytes
_SCP_ADDRESS = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!/)(.+)")
_MAX_DEPTH = 4  # below the folder of clones
_MAX_LIST_BYTES = 16 << 20  # of a file that lists clones: some hundred thousand
_REGULAR_MODES = (b"100644", b"100755")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A regular file of a commit."""

    path: str
    blob: str  # its object id
    size: int


class RepositoryClone:
    """A clone that is only read: no hook, filter or program that it names is run."""

    def __init__(self, folder: Path, name: str, reference: str = "") -> None:
        """`reference` is a branch, tag or commit; "" is the default branch."""
        self.folder = folder
        self.name = name
        self.reference = reference

    def resolve_commit(self) -> str:
        """Return the id of the commit to ingest: the reference's, else the default branch's. Raises QueryError."""
        names = [self.reference] if self.reference else ["refs/remotes/origin/HEAD", "HEAD"]
        for name in names:
            try:
                output = run_git(
                    self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
                )
                return output.decode().strip()
            except QueryError as error:
                reason = str(error)
        raise QueryError(f"{self.name}: there is no commit {names[-1]} in {self.folder} ({reason}).")

    def list_files(self, commit: str) -> Iterator[TreeFile]:
        """Yield path, blob and size of the commit's regular files (no links, no submodules) with UTF-8 paths.

        Raises QueryError.
        """
        output = self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        for entry in output.split(b"\0"):
            fields, _, path = entry.partition(b"\t")
            mode, kind, blob, size = fields.split() if path else (b"", b"", b"", b"")
            if kind == b"blob" and mode in _REGULAR_MODES and size.isdigit():
                try:
                    yield TreeFile(path.decode(), blob.decode(), int(size))
                except UnicodeDecodeError:  # nobody could be shown where it is
                    continue

    def read_blobs(self, blobs: Sequence[str]) -> dict[str, bytes]:
        """Read blobs in the clone: object id → bytes, without those that a partial clone lacks. Raises QueryError."""
        output = self._run("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode())
        contents: dict[str, bytes] = {}
        position = 0
        for blob in blobs:
            line_end = output.index(b"\n", position)
            header = output[position:line_end].split()
            position = line_end + 1
            if header[1:2] == [b"blob"]:
                contents[blob] = output[position : position + int(header[2])]
                position += int(header[2]) + 1
        return contents

    def read_origin(self) -> str:
        """Return host/owner/name of the clone's remote `origin`, without credentials; "" where there is none."""
        try:
            return normalize_remote(self._run("config", "--get", "remote.origin.url").decode(errors="replace").strip())
        except QueryError:
            return ""

    def fetch(self) -> None:
        """Run git fetch --prune for all branches of `origin`; overwrite a bare clone's own. Raises QueryError."""
        arguments = ["fetch", "--prune", "--quiet", "--no-tags", "--no-recurse-submodules", "origin"]
        is_mirror = self._run("rev-parse", "--is-bare-repository").strip() == b"true"
        self._run(*arguments, *(["+refs/heads/*:refs/heads/*"] if is_mirror else []), protocols=REMOTE_PROTOCOLS)

    def _run(self, *arguments: str, stdin: bytes = b"", protocols: str = "none") -> bytes:
        """Run git in the clone and return its output. Raises QueryError, which names the repository."""
        try:
            return run_git(self.folder, *arguments, stdin=stdin, timeout_s=_TIMEOUT_S, protocols=protocols)
        except ProcessTimeoutError as error:
            raise QueryError(f"{self.name}: git took longer than {_TIMEOUT_S:.0f} s.") from error
        except QueryError as error:
            raise QueryError(f"{self.name}: {error}") from error


def normalize_remote(url: str) -> str:
    """Return host/owner/name of a remote's URL, without credentials, port and `.git`; "" for a path on the disk."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ssh", "git") and parts.hostname:
        host, path = parts.hostname, parts.path
    elif "://" not in url and (match := _SCP_ADDRESS.fullmatch(url)):
        host, path = match[1], match[2]
    else:
        return ""
    return f"{host.lower()}/{path.strip('/').removesuffix('.git')}"


def make_link_template(origin: str) -> str:
    """Return a forge's web address of a file's lines, with {commit}, {path}, {start}, {end}; "" without a remote."""
    if not origin:
        return ""
    address = "https://" + quote(origin)
    host = origin.partition("/")[0]
    if "gitlab" in host:
        return address + "/-/blob/{commit}/{path}#L{start}-{end}"
    if "bitbucket" in host:
        return address + "/src/{commit}/{path}#lines-{start}:{end}"
    return address + "/blob/{commit}/{path}#L{start}-L{end}"


def find_repositories(source: Path) -> list[RepositoryClone]:
    """List the clones below a folder, or in a text file, by name. Raises QueryError for none, or equal names.

    A line of the file is a folder, and may go on with a name and a reference, separated by tabs.
    """
    if source.is_file():
        repositories = list(_read_list(source))
    elif source.is_dir():
        repositories = [_name_repository(folder, source) for folder in _walk_clones(source, _MAX_DEPTH)]
    else:
        raise QueryError(f"There is no file or folder {source}. Name a folder of clones, or a file that lists them.")
    names = [repository.name for repository in repositories]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise QueryError(f"Two repositories are named {repeated[0]}. Name them in a file: folder, tab, name.")
    if not repositories:
        raise QueryError(f"There are no Git repositories in {source.resolve()}. Name a folder of clones.")
    return sorted(repositories, key=lambda repository: repository.name)


def _read_list(source: Path) -> Iterator[RepositoryClone]:
    """Yield the clones that a text file lists, one a line; relative folders start at the file's. Raises QueryError."""
    try:
        listed_clones = read_file(source, _MAX_LIST_BYTES).data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{source} can't be read: {error}. Name a text file with a folder a line.") from error
    for line in listed_clones.splitlines():
        folder, _, rest = line.strip().partition("\t")
        name, _, reference = rest.partition("\t")
        if folder and not folder.startswith("#"):
            path = (source.parent / Path(folder).expanduser()).resolve()
            yield RepositoryClone(path, name.strip() or path.name.removesuffix(".git"), reference.strip())


def _walk_clones(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folder if it is a clone, else the clones at most `depth` folders below it; links are not followed."""
    if (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir()):
        yield folder
    elif depth:
        children = [child for child in folder.iterdir() if child.is_dir() and not child.is_symlink()]
        for child in sorted(children):
            yield from _walk_clones(child, depth - 1)


def _name_repository(folder: Path, source: Path) -> RepositoryClone:
    """Return the clone in a folder, named by its path below the folder of clones `source`."""
    name = folder.relative_to(source).as_posix() if folder != source else folder.resolve().name
    return RepositoryClone(folder.resolve(), name.removesuffix(".git"))
