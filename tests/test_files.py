"""Files that somebody else made are read in one way, which nothing stops."""

import ast
import os
import socket
from pathlib import Path

import pytest

from codekin.files import FileTooLargeError, NotAFileError, open_file, read_file, read_start
from codekin.settings import Settings, config_file, load_user_settings
from codekin.types import Skipped
from codekin.workspace.documents import read_document_file

PACKAGE = Path(__file__).parents[1] / "server" / "codekin"

# Where a file is opened otherwise, and why that is right. Whoever adds a line argues it.
OWN = "codekin's own file, below the user's cache directory"
PACKAGED = "a file of the package"
SYSTEM = "a file of the system, below /proc"
NO_FILE = "opens no file"
TOOLS = ("training", "evaluation")  # run by hand on files that whoever runs them names
ALLOWED = {
    ("files.py", "os.open"): "the one way",
    ("files.py", "os.fdopen"): "the one way",
    ("storage/store_files.py", "os.open"): OWN,
    ("vectors/hnsw.py", "graph_path.open"): OWN,
    ("vectors/hnsw.py", "side_car_path(graph_path).open"): OWN,
    ("vectors/hnsw.py", "side_car_path(graph_path).read_bytes"): OWN,
    ("vectors/hnsw.py", "os.open"): OWN,
    ("vectors/hnsw_builder.py", "(build_folder / _ERRORS).open"): OWN,
    ("vectors/hnsw_builder.py", "(build_folder / _VECTORS).open"): OWN,
    ("vectors/array_file.py", "os.open"): OWN,
    ("vectors/array_file.py", "os.fdopen"): OWN,
    ("vectors/array_file.py", "path.open"): OWN,
    ("embed/local/ipc.py", "os.open"): OWN,
    ("embed/local/ipc.py", "os.fdopen"): OWN,
    ("embed/local/ipc.py", "path.read_text"): OWN,
    ("embed/local/model_client.py", "os.open"): OWN,
    ("embed/local/model_client.py", "os.fdopen"): OWN,
    ("embed/static.py", "(folder / 'model.json').read_text"): PACKAGED,
    ("embed/static.py", "(folder / file_name).read_bytes"): PACKAGED,
    ("workspace/inotify.py", "Path(f'/proc/sys/fs/inotify/{setting}').read_text"): SYSTEM,
    ("workspace/inotify.py", "Path('/proc/self/mountinfo').read_text"): SYSTEM,
    ("status/process_memory.py", "file_path.read_text"): SYSTEM,
    ("team/keyring.py", "os.open"): "makes the file of the key",
    ("team/keyring.py", "os.fdopen"): "makes the file of the key",
    ("cli/doctor.py", "_MAX_WATCHES_FILE.read_text"): SYSTEM,
    ("resident/client.py", "Path(os.devnull).open"): "the system's null device",
    ("processes.py", "os.open"): "the system's null device",
    ("processes.py", "os.fdopen"): "the client's or the parent's streams",
    ("agents/install/installer.py", "os.fdopen"): "a temporary file that it has just made",
    ("lsp/authentication.py", "os.open"): "makes the file of the token",
    ("lsp/authentication.py", "os.fdopen"): "makes the file of the token",
    ("indexing/worker.py", "Path('/proc/self/status').read_text"): SYSTEM,
    ("cli/embed.py", "partial_output.open"): "the output that the command names",
    ("engine.py", "self._heavy.open"): NO_FILE,
    ("embed/remote/endpoint.py", "self._opener.open"): NO_FILE,
    ("code/json_reader.py", "self.read_text"): NO_FILE,
    ("code/notebooks.py", "reader.read_text"): NO_FILE,
    ("indexing/embedding_worker.py", "self.open"): NO_FILE,
}
OPENERS = {"open", "fdopen", "read_text", "read_bytes"}


def _openings(tree: ast.AST) -> set[str]:
    """Return the source of each function called in the tree that opens or reads files."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        ast.unparse(call)
        for call in calls
        if (isinstance(call, ast.Attribute) and call.attr in OPENERS)
        or (isinstance(call, ast.Name) and call.id == "open")
    }


def test_no_other_way_is_taken_to_a_file_of_a_workspace_or_of_the_user():
    openings = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.partition("/")[0] not in TOOLS:
            openings |= {(name, opening) for opening in _openings(ast.parse(path.read_text("utf-8")))}
    assert openings <= ALLOWED.keys(), "read it by codekin.files, or say here why not"


def _socket(path: Path) -> None:
    """Bind a Unix socket at the path and close it, so that its file stays; changes the current folder."""
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)
        listener.bind(path.name)


OTHERS = [
    (os.mkfifo, "named pipe"),
    (Path.mkdir, "folder"),
    (_socket, "socket"),
    (lambda path: path.symlink_to("/dev/zero"), "device"),
]


@pytest.mark.parametrize(("make", "reason"), OTHERS)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make, reason: str):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "a.py")
    for read in (open_file, lambda path: read_file(path, 10), lambda path: read_start(path, 10)):
        with pytest.raises(NotAFileError, match=reason):
            read(tmp_path / "a.py")
    assert read_document_file(tmp_path / "a.py", 10) is None


def test_the_size_is_asked_before_anything_is_read(tmp_path: Path):
    path = tmp_path / "a.py"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(FileTooLargeError) as raised:
        read_file(path, 1_000)
    assert (raised.value.size, raised.value.max_bytes) == (1 << 40, 1_000)
    assert read_start(path, 10) == bytes(10)
    assert isinstance(read_document_file(path, 1_000), Skipped)


def test_a_file_may_have_just_as_many_bytes_as_are_read(tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_bytes(b"x" * 1_000)
    assert read_file(path, 1_000).data == b"x" * 1_000
    with pytest.raises(FileTooLargeError):
        read_file(path, 999)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no such files here")
def test_a_file_that_tells_no_size_is_read_to_the_bound():
    assert read_file(Path("/proc/self/status"), 100_000).data
    with pytest.raises(FileTooLargeError):
        read_file(Path("/proc/self/status"), 10)


def test_links_are_followed_only_where_that_is_meant(tmp_path: Path):
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read_file(tmp_path / "link", 10).data == b"x"
    with pytest.raises(NotAFileError, match="link"):
        read_file(tmp_path / "link", 10, follow_links=False)


@pytest.mark.parametrize("name", ["gone", "gone/too", "a\0b"])
def test_what_is_not_there_is_not_there(tmp_path: Path, name: str):
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / name, 10)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEKIN_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    return config_file()


@pytest.mark.parametrize(("make", "reason"), OTHERS)
def test_settings_that_are_no_file_are_told_and_the_defaults_used(config: Path, make, reason: str):
    make(config)
    settings, (problem,) = load_user_settings()
    assert settings.index == Settings().index
    assert reason in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 50_000,
        "x" * 300_000,
        "[index]\nworkers = 0x" + "f" * 20_000,
        "[index]\npolling_s = " + "9" * 4_000,
    ],
)
def test_settings_made_to_break_their_reader_are_told(config: Path, text: str):
    config.write_text(text)
    settings, problems = load_user_settings()
    assert settings.index == Settings().index
    assert problems
