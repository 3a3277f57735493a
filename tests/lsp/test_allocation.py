"""Memory that was freed goes back to the system, whatever was freed before."""

import ctypes
import subprocess
import sys

import pytest

from codekin.lsp import allocation

BLOCK_BYTES = 8 << 20  # of a matrix
# Frees blocks of arrays, as changes of an index do, each below a small array that stays; prints what is kept for later.
FREE_BLOCKS = f"""
import ctypes, json, sys, threading
import numpy as np
from codekin.lsp.allocation import limit_free_memory

class Statistics(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

if sys.argv[1] == "limited":
    limit_free_memory()
kept = []
def free_blocks():
    for _ in range(4):
        blocks = [np.ones({BLOCK_BYTES}, np.uint8) for _ in range(3)]
        kept.append(np.ones(100_000, np.uint8))
        del blocks
for _ in range(4):
    thread = threading.Thread(target=free_blocks)
    thread.start()
    thread.join()
read_statistics = ctypes.CDLL(None).mallinfo2
read_statistics.restype = Statistics
print(read_statistics().fordblks)
"""


def measure_free_bytes(mode: str) -> int:
    command = [sys.executable, "-c", FREE_BLOCKS, mode]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc of 2021 or later"
)
def test_freed_blocks_of_vectors_are_not_kept():
    assert measure_free_bytes("limited") < BLOCK_BYTES
    assert measure_free_bytes("unlimited") > BLOCK_BYTES


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    allocation.limit_free_memory()
