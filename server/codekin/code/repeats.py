"""Long repetitions, blanked before the parse: a few kilobytes of `a=>a=>a=>…` can keep a parser busy for minutes.

Error recovery is quadratic in the open constructs and can't be interrupted, so such runs are blanked before the parse.
Lengths and line ends stay. What this finds in source is tables of zeros and encoded data.
"""

import re

_RUN = 1024  # bytes; a run of less costs a parser little
_UNIT = 16  # bytes: what repeats is a token or a few
_SAMPLE = 96  # bytes; longer than any rule of dashes is wide
_VISIBLE = re.compile(rb"[^\n]")


def blank_repeats(source: bytes) -> bytes:
    """Return `source` with long repetitions of a short unit blanked, in the same length."""
    runs: list[tuple[int, int]] = []
    for probe in range(0, len(source) - _SAMPLE, _RUN // 2):
        if runs and probe < runs[-1][1]:
            continue
        sample = source[probe : probe + _SAMPLE]
        again = source.find(sample, probe + 1, probe + _UNIT + _SAMPLE)
        if again >= 0 and not sample.isspace():
            start, end = _extent(source, probe, source[probe:again])
            if end - start >= _RUN:
                runs.append((start, end))
    return _blanked(source, runs) if runs else source


def _extent(source: bytes, start: int, unit: bytes) -> tuple[int, int]:
    """Return start and end of the run around `start` in which `unit` repeats."""
    step = len(unit)
    end = start
    while source.startswith(unit, end):
        end += step
    while start >= step and source.startswith(unit, start - step):
        start -= step
    return start, end


def _blanked(source: bytes, runs: list[tuple[int, int]]) -> bytes:
    blanked = bytearray(source)
    for start, end in runs:
        blanked[start:end] = _VISIBLE.sub(b" ", source[start:end])
    return bytes(blanked)
