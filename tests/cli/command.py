"""The real `codekin`, in a process of its own, on a small workspace of real code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CODEKIN = shutil.which("codekin", path=str(Path(sys.executable).parent)) or "codekin"
REPOSITORY = Path(__file__).parents[2]
COMMANDS = ("index", "similar", "search", "embed", "status", "duplicates", "doctor", "evaluate", "train", "serve")

FILES = {
    "src/dates.py": '''"""Dates in and out of text."""

from datetime import date


def parse_date(text: str) -> date:
    """Read a date such as 2024-05-01."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))


def format_date(value: date) -> str:
    """Write a date such as 2024-05-01."""
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


class Calendar:
    """Days and what is on them."""

    def __init__(self) -> None:
        self.entries: dict[date, list[str]] = {}

    def add_entry(self, day: date, entry: str) -> None:
        """Note an entry for a day."""
        self.entries.setdefault(day, []).append(entry)
''',
    "src/reading.py": '''def read_date(source: str):
    """Read a date such as 2024-05-01 from text."""
    year, month, day = source.split("-")
    return int(year), int(month), int(day)


def count_words(path):
    """How often each word occurs in a file."""
    counts = {}
    with open(path) as stream:
        for word in stream.read().split():
            counts[word] = counts.get(word, 0) + 1
    return counts
''',
    "web/dates.js": """/** Read a date such as 2024-05-01. */
export function parseDate(text) {
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day);
}
""",
    "copies/dates.py": '''def parse_date(text: str) -> date:
    """Read a date such as 2024-05-01."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))
''',
}
HIT = {"path", "start_line", "end_line", "name", "kind", "language", "score", "kinship", "why"}
REPORT = {"files", "snippets", "embedded", "reused", "skipped", "seconds", "store_bytes"}


class Codekin:
    """The command with a cache of its own."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache = cache
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CODEKIN_")},
            "CODEKIN_CACHE_DIRECTORY": str(cache),
            "CODEKIN_CONFIG": str(cache / "config.toml"),
            "CODEKIN_MODEL_SMALL": "false",
            "CODEKIN_CLI_RESIDENT": "false",  # no test leaves a process behind
            "PYTHONIOENCODING": "utf-8",
        }

    def __call__(
        self, *words: str | Path, stdin: str | bytes = b"", folder: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        completed = subprocess.run(
            [CODEKIN, *map(str, words)],
            cwd=folder or self.folder,
            env=self.environment | environment,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=600,
            check=False,
        )
        out, err = completed.stdout.decode().replace("\r\n", "\n"), completed.stderr.decode().replace("\r\n", "\n")
        assert "Traceback" not in err or "--debug" in words, err
        return subprocess.CompletedProcess(completed.args, completed.returncode, out, err)

    def json(self, *words: str | Path, status: int = 0, **options: Any) -> dict[str, Any]:
        completed = self(*words, "--json", **options)
        assert completed.returncode == status, completed.stderr
        document = json.loads(completed.stdout)
        assert isinstance(document, dict)
        return document
