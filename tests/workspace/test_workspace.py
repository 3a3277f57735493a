"""What is in the workspace, and what it says now."""

import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.workspace import Document, SourceFile, Workspace

from .trees import open_workspace, require_document, require_reason, write_modules

_LONG_AGO = 1_600_000_000_123_456_789


def _names(workspace: Workspace, root: Path) -> list[str]:
    return [entry.path.relative_to(root).as_posix() for entry in workspace.walk() if isinstance(entry, SourceFile)]


def test_roots_are_absolute_resolved_and_each_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert open_workspace(Path("link"), tmp_path / "real", Path("real/../real")).roots == (tmp_path / "real",)


def test_a_root_inside_another_is_dropped_unless_the_rules_hide_it(tmp_path: Path) -> None:
    write_modules(tmp_path, "in/a.py", "node_modules/kit/a.js")
    workspace = open_workspace(tmp_path / "in", tmp_path / "node_modules/kit", tmp_path)
    assert workspace.roots == (tmp_path, tmp_path / "node_modules/kit")
    assert _names(workspace, tmp_path) == ["in/a.py", "node_modules/kit/a.js"]


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    (entry,) = open_workspace(tmp_path / "gone").walk()
    assert "No such file" in require_reason(entry)


def test_a_walk_finds_source_files_in_a_fixed_order(tmp_path: Path) -> None:
    write_modules(tmp_path, "b/a.py", "a/z.go", "a/b/x.rs", "c.ts", "a.py", "notes.txt", "picture.png", "LICENSE")
    workspace = open_workspace(tmp_path)
    assert _names(workspace, tmp_path) == ["a.py", "c.ts", "a/z.go", "a/b/x.rs", "b/a.py"]


def test_what_is_found_has_its_language_size_and_time(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.py", text="abc")
    os.utime(tmp_path / "a.py", ns=(_LONG_AGO, _LONG_AGO))
    assert list(open_workspace(tmp_path).walk()) == [SourceFile(tmp_path / "a.py", "python", 3, _LONG_AGO)]


def test_a_file_without_extension_is_known_by_its_first_line(tmp_path: Path) -> None:
    write_modules(tmp_path, "tool", text="#!/usr/bin/env python3\nprint()\n")
    write_modules(tmp_path, "words")
    (entry,) = open_workspace(tmp_path).walk()
    assert isinstance(entry, SourceFile)
    assert (entry.path.name, entry.language) == ("tool", "python")


def test_a_file_that_is_too_large_is_told(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.py", text="x" * 101)
    workspace = open_workspace(tmp_path, max_file_bytes=100)
    assert "index.max_file_bytes" in require_reason(next(workspace.walk()))
    assert "index.max_file_bytes" in require_reason(workspace.check_file(tmp_path / "a.py"))
    assert "index.max_file_bytes" in require_reason(workspace.read_document(tmp_path / "a.py"))


@pytest.mark.skipif(os.name == "nt", reason="such names can't be made there")
def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text("x = 1\n")
    except OSError:
        pytest.skip("this file system has no such names")
    assert "UTF-8" in require_reason(next(open_workspace(tmp_path).walk()))


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    assert open_workspace(tmp_path).check_file(tmp_path / "a\ud800.py") is None


def test_links_are_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write_modules(root, "real/a.py")
    write_modules(outside, "secret.py")
    (root / "loop").symlink_to(root)
    (root / "again").symlink_to(root / "real")
    (root / "out").symlink_to(outside)
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "again.py").symlink_to(root / "real/a.py")
    (root / "dangling.py").symlink_to(root / "nowhere.py")
    (root / "self.py").symlink_to(root / "self.py")
    workspace = open_workspace(root)
    assert _names(workspace, root) == ["real/a.py"]
    for name in ("out/secret.py", "out.py", "again.py", "dangling.py", "self.py", "loop", "again"):
        assert workspace.check_file(root / name) is None
    for name in ("again/a.py", "loop/loop/real/a.py"):
        assert workspace.check_file(root / name) == workspace.check_file(root / "real/a.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder.py").mkdir()
    workspace = open_workspace(tmp_path)
    assert list(workspace.walk()) == []
    for name in ("pipe.py", "pipe", "folder.py"):
        assert workspace.check_file(tmp_path / name) is None
        assert workspace.read_document(tmp_path / name) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is allowed to this user")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    write_modules(tmp_path, "closed/a.py", "b.py")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "b.py").chmod(0)
    workspace = open_workspace(tmp_path)
    try:
        assert [entry.path.name for entry in workspace.walk() if isinstance(entry, Skipped)] == ["closed"]
        assert "ermission" in require_reason(workspace.read_document(tmp_path / "b.py"))
    finally:
        (tmp_path / "closed").chmod(stat.S_IRWXU)


def test_files_and_folders_may_vanish_during_a_walk(tmp_path: Path) -> None:
    for number in range(30):
        write_modules(tmp_path, f"{number:02}/a.py", f"{number:02}/b.py", f"{number:02}/deep/c.py")

    def emptied() -> Iterator[SourceFile | Skipped]:
        for number, entry in enumerate(open_workspace(tmp_path).walk()):
            victim = tmp_path / f"{number + 1:02}"
            if victim.exists():
                for path in sorted(victim.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
                victim.rmdir()
            yield entry

    assert all(isinstance(entry, SourceFile) for entry in emptied())


def test_a_cancelled_walk_ends(tmp_path: Path) -> None:
    write_modules(tmp_path, *(f"{number}/a.py" for number in range(50)))
    cancel_event = threading.Event()
    walk = open_workspace(tmp_path).walk(cancel_event)
    next(walk)
    cancel_event.set()
    assert len(list(walk)) <= 1


def test_the_folders_of_a_walk_are_those_it_enters(tmp_path: Path) -> None:
    write_modules(tmp_path, "a/b/x.py", "node_modules/a/x.js", "c/x.txt", ".gitignore", text="a/b/c\n")
    write_modules(tmp_path, "a/b/c/x.py")
    workspace = open_workspace(tmp_path)
    assert list(workspace.walk_folders(tmp_path)) == [tmp_path, tmp_path / "a", tmp_path / "a/b", tmp_path / "c"]
    assert list(workspace.walk_folders(tmp_path / "a")) == [tmp_path / "a", tmp_path / "a/b"]
    for folder in (tmp_path / "a/b/c", tmp_path / "node_modules", tmp_path / "gone", tmp_path.parent):
        assert list(workspace.walk_folders(folder)) == []


def test_a_path_outside_the_roots_is_not_admitted(tmp_path: Path) -> None:
    write_modules(tmp_path, "out.py", "root/a.py", "root.py")
    workspace = open_workspace(tmp_path / "root")
    for path in ("out.py", "root.py", "root/../out.py"):
        assert workspace.check_file(tmp_path / path) is None
    assert workspace.check_file(tmp_path / "root/../root/a.py")


def test_a_path_through_a_link_to_the_root_is_the_file_s_own(tmp_path: Path) -> None:
    write_modules(tmp_path, "root/a.py")
    (tmp_path / "link").symlink_to(tmp_path / "root")
    entry = open_workspace(tmp_path / "link").check_file(tmp_path / "link/a.py")
    assert isinstance(entry, SourceFile)
    assert entry.path == tmp_path / "root/a.py"


def test_a_document_is_the_text_on_the_disk(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.py", text="é = 1\n")
    os.utime(tmp_path / "a.py", ns=(_LONG_AGO, _LONG_AGO))
    digest = hashlib.blake2b("é = 1\npython".encode(), digest_size=16).digest()
    expected = Document(tmp_path / "a.py", "é = 1\n", "python", 7, _LONG_AGO, digest, overlay=False)
    assert open_workspace(tmp_path).read_document(tmp_path / "a.py") == expected


def test_the_same_text_has_the_same_hash_however_it_is_encoded(tmp_path: Path) -> None:
    workspace, text = open_workspace(tmp_path), "grüße = 1\r\n"
    hashes = set()
    for name, encoding in (("a", "utf-8"), ("b", "utf-8-sig"), ("c", "utf-16"), ("d", "latin-1")):
        (tmp_path / f"{name}.py").write_bytes(text.encode(encoding))
        hashes.add(require_document(workspace.read_document(tmp_path / f"{name}.py")).hash)
    workspace.open_overlay(tmp_path / "e.py", text)
    assert hashes == {require_document(workspace.read_document(tmp_path / "e.py")).hash}


def test_a_time_so_near_that_another_write_could_share_it_is_not_given(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.py", "whole.py")
    now = time.time_ns() + 10**9  # not reached while the test runs
    os.utime(tmp_path / "a.py", ns=(now + 1, now + 1))
    workspace = open_workspace(tmp_path)
    assert require_document(workspace.read_document(tmp_path / "a.py")).mtime_ns == now + 1
    os.utime(tmp_path / "whole.py", ns=(now // 10**9 * 10**9,) * 2)
    assert require_document(workspace.read_document(tmp_path / "whole.py")).mtime_ns == 0
    (tmp_path / "a.py").write_text("y")
    if time.time_ns() - (tmp_path / "a.py").stat().st_mtime_ns < 1_000_000:
        assert require_document(workspace.read_document(tmp_path / "a.py")).mtime_ns == 0


def test_binaries_and_generated_files_are_told_and_gone_files_are_not(tmp_path: Path) -> None:
    write_modules(tmp_path, "made.py", text="# Generated by a tool. Do not edit.\n")
    (tmp_path / "binary.py").write_bytes(b"\0\1\2" * 100)
    workspace = open_workspace(tmp_path)
    assert "generated" in require_reason(workspace.read_document(tmp_path / "made.py"))
    assert "binary" in require_reason(workspace.read_document(tmp_path / "binary.py"))
    for missing_name in ("gone.py", "made.py/a.py", "a\0b.py", "notes.txt"):
        assert workspace.read_document(tmp_path / missing_name) is None


def test_a_generated_file_that_include_names_is_read(tmp_path: Path) -> None:
    write_modules(tmp_path, "made.py", text="# Generated by a tool. Do not edit.\n")
    workspace = Workspace([tmp_path], IndexSettings(include=("made.py",)))
    assert isinstance(workspace.read_document(tmp_path / "made.py"), Document)


def test_a_file_outside_the_roots_is_read_all_the_same(tmp_path: Path) -> None:
    write_modules(tmp_path, "out.py", "root/a.py")
    assert require_document(open_workspace(tmp_path / "root").read_document(tmp_path / "out.py")).text == "x = 1\n"
