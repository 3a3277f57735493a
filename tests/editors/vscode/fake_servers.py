"""Fake server programs, and a package that installs a server."""

import base64
import hashlib
import os
import sys
import zipfile
from pathlib import Path

from codekin import __version__

_OTHER_VERSION = """\
import codekin
codekin.__version__ = "0.0.9"
from codekin.cli import main
main()
"""

_INDEXING = """\
from codekin.cli import main
from codekin.lsp.progress import ProgressBar
from codekin.types import Progress
update_progress = ProgressBar.update_progress
ProgressBar.update_progress = lambda bar, progress: update_progress(bar, Progress(1, 200, None))
main()
"""


def write_fake_servers(folder: Path) -> Path:
    """Write `old` (another version), `indexing` (forever), `mute`, `failing` (ends at once), `evil` (harmful)."""
    folder.mkdir()
    scripts = {
        "old": f"#!{sys.executable}\n{_OTHER_VERSION}",
        "indexing": f"#!{sys.executable}\n{_INDEXING}",
        "mute": "#!/bin/sh\ncat >/dev/null\ntrue\n",
        "failing": "#!/bin/sh\necho 'no model here' >&2\nexit 3\n",
        "evil": f"#!/bin/sh\ntouch {folder}/was-here\n",
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def build_wheel(folder: Path, program: Path) -> Path:
    """Build a package `codekin` whose script and module run this program; what its extra `small` needs is nowhere."""
    name = f"codekin-{__version__}"
    absent = f"codekin-absent @ {(folder / 'codekin_absent-1-py3-none-any.whl').as_uri()} ; extra == 'small'"
    metadata = f"Metadata-Version: 2.1\nName: codekin\nVersion: {__version__}\n"
    files = {
        "codekin_program.py": f"import os, sys\ndef main():\n    os.execv({str(program)!r}, sys.argv)\n",
        "codekin/__main__.py": "from codekin_program import main\nmain()\n",
        f"{name}.dist-info/METADATA": f"{metadata}Provides-Extra: small\nRequires-Dist: {absent}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}.dist-info/entry_points.txt": "[console_scripts]\ncodekin = codekin_program:main\n",
    }
    record = f"{name}.dist-info/RECORD"
    rows = [f"{path},sha256={_encode_digest(text)},{len(text)}" for path, text in files.items()]
    files[record] = os.linesep.join([*rows, f"{record},,", ""])
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


def _encode_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
