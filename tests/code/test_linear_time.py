"""Token scanners take linear time on any text: what was quadratic stays below a limit of processor time."""

import resource
import subprocess
import sys

import pytest

PROCESSOR_SECONDS = 20  # a quadratic scan of these texts takes minutes, a linear one less than two seconds
SCAN = """
import sys
from codekin.code.tokens import tokenize
language, unit = sys.argv[1:]
tokenize((unit * (1 << 20))[: 1 << 20], language)
"""


def limit_processor_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("csharp", "$"), ("swift", "#"), ("swift", '#"a'), ("ruby", "<<E"), ("ruby", "<<E\n"), ("bash", "<<E"),
        ("php", "<<<E"),
    ],
)  # fmt: skip
def test_a_scan_ends_within_the_limit(language: str, unit: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", SCAN, language, unit], preexec_fn=limit_processor_time, check=False
    )
    assert completed.returncode == 0
