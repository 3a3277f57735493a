"""Programs that stand where a server is looked for, and a package of one."""

import base64
import hashlib
import os
import sys
import zipfile
from pathlib import Path

from codekin import __version__

_OLDER = """\
import codekin
codekin.__version__ = "0.0.9"
from codekin.cli import main
main()
"""


def programs(folder: Path) -> Path:
    """`old` is a server of another version, `failing` ends at once, `evil` leaves a file `was-here` beside itself."""
    folder.mkdir()
    scripts = {
        "old": f"#!{sys.executable}\n{_OLDER}",
        "failing": "#!/bin/sh\necho 'no model here' >&2\nexit 3\n",
        "evil": f"#!/bin/sh\ntouch {folder}/was-here\n",
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def wheel(folder: Path, program: Path) -> Path:
    """A package `codekin` whose program is this one: what an index would have, without what it needs."""
    name = f"codekin-{__version__}"
    files = {
        "codekin_program.py": f"import os, sys\ndef main():\n    os.execv({str(program)!r}, sys.argv)\n",
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: codekin\nVersion: {__version__}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}.dist-info/entry_points.txt": "[console_scripts]\ncodekin = codekin_program:main\n",
    }
    record = f"{name}.dist-info/RECORD"
    rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[record] = os.linesep.join([*rows, f"{record},,", ""])
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        for inside, text in files.items():
            packed.writestr(inside, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
