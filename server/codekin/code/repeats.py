"""Long repetitions, blanked before the parse: a few kilobytes of `a=>a=>a=>…` can keep a parser busy for minutes.

Error recovery is quadratic in the open constructs and can't be interrupted, so such runs are blanked before the parse.
Lengths and line ends stay. In ordinary source the only such runs are tables of zeros and encoded data.
"""

import re

_MIN_RUN_BYTES = 1024  # a shorter run costs a parser little
_MAX_UNIT_BYTES = 16  # the unit that repeats is a token or a few
_SAMPLE_BYTES = 96  # longer than a rule of dashes
_VISIBLE = re.compile(rb"[^\n]")


def blank_repeats(source_bytes: bytes) -> bytes:
    """Return `source_bytes`, in the same length, with runs of 1 KiB or more of a unit of up to 16 bytes blanked."""
    runs: list[tuple[int, int]] = []
    for probe_offset in range(0, len(source_bytes) - _SAMPLE_BYTES, _MIN_RUN_BYTES // 2):
        if runs and probe_offset < runs[-1][1]:
            continue
        sample = source_bytes[probe_offset : probe_offset + _SAMPLE_BYTES]
        repeat_offset = source_bytes.find(sample, probe_offset + 1, probe_offset + _MAX_UNIT_BYTES + _SAMPLE_BYTES)
        if repeat_offset >= 0 and not sample.isspace():
            run_start, run_end = _find_run_extent(source_bytes, probe_offset, source_bytes[probe_offset:repeat_offset])
            if run_end - run_start >= _MIN_RUN_BYTES:
                runs.append((run_start, run_end))
    return _blank_runs(source_bytes, runs) if runs else source_bytes


def _find_run_extent(source_bytes: bytes, start: int, unit: bytes) -> tuple[int, int]:
    """Return start and end (half-open) of the longest run around `start` in which `unit` repeats."""
    unit_bytes = len(unit)
    end = start
    while source_bytes.startswith(unit, end):
        end += unit_bytes
    while start >= unit_bytes and source_bytes.startswith(unit, start - unit_bytes):
        start -= unit_bytes
    return start, end


def _blank_runs(source_bytes: bytes, runs: list[tuple[int, int]]) -> bytes:
    """Return `source_bytes`, in the same length, with every byte in these ranges but LF replaced by a space."""
    blanked_source = bytearray(source_bytes)
    for start, end in runs:
        blanked_source[start:end] = _VISIBLE.sub(b" ", source_bytes[start:end])
    return bytes(blanked_source)
