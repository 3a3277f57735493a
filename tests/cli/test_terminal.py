"""What a person at a terminal sees, and Ctrl-C."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ..holding import hold_bulk_index
from .command import CODEKIN, Codekin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


# A terminal sends Ctrl-C to the processes of its session, which this one has to make first.
LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def on_terminal(codekin: Codekin, *words: str, press: bytes = b"", when: bytes = b"") -> tuple[int, str]:
    """What a terminal of 80 columns shows; `press` is typed as soon as it shows `when`."""
    import pty
    import termios

    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (40, 80))
    environment = codekin.environment | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-c", LEADER, CODEKIN, *words], cwd=codekin.folder, env=environment,
        stdin=child, stdout=child, stderr=child, start_new_session=True,
    )  # fmt: skip
    os.close(child)
    shown = io.BytesIO()
    with os.fdopen(parent, "r+b", 0) as terminal:
        for chunk in _chunks(terminal):
            shown.write(chunk)
            if press and when in shown.getvalue():
                terminal.write(press)
                press = b""
    return process.wait(60), shown.getvalue().decode()


def _chunks(terminal: Any) -> Iterator[bytes]:
    try:
        while chunk := terminal.read(65_536):
            yield chunk
    except OSError:  # how Linux says that the other side is closed
        return


def test_hits_are_shown_with_colour_and_code(codekin: Codekin):
    codekin.json("index")
    status, shown = on_terminal(codekin, "similar", "src/dates.py:7", "-k", "3")
    assert status == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")
    assert plain != shown
    assert "Like parse_date (src/dates.py:6-9):" in plain
    assert "copies/dates.py:1  parse_date\n" in plain
    assert "100%  function, identical text" in plain
    assert '  │     year, month, day = text.split("-")' in plain
    assert all(len(line) <= 80 for line in plain[plain.index("Like ") :].split("\n"))


def test_it_is_seen_how_far_the_search_for_duplicates_is(codekin: Codekin):
    """Of the files that may have functions; what is drawn is taken away again."""
    (codekin.folder / "functionless.css").write_text("a { color: red }\n")
    status, shown = on_terminal(codekin, "duplicates")
    assert status == 1
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"Reading.* of \d, \d s left", plain), plain
    drawn, _, told = shown.rpartition("\x1b[2K")
    assert "Reading" in drawn
    assert told.startswith("Not compared, for want of a grammar: 1 file (css 1).")


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(own_codekin: Codekin):
    with hold_bulk_index(own_codekin.folder, own_codekin.cache):
        status, shown = on_terminal(own_codekin, "index", press=b"\x03", when=b" of 304")
    assert status == 130
    assert "What is indexed is kept" in shown
    assert "Traceback" not in shown
    completed = own_codekin.json("status")["files"]
    assert 0 < completed < 304
    report = own_codekin.json("index")
    assert report["files"] == 304
    assert report["embedded"] > 0
    assert report["embedded"] + report["reused"] < 6 * (304 - completed) + 100
