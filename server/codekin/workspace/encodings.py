"""Detect the character set of text that is neither UTF-8 nor UTF-16, from the lines that are not ASCII."""

import re

_FALLBACK = "latin-1"  # decodes anything, and the identifiers right
_ENCODINGS = ["cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp1252"]
_MAX_SAMPLE_BYTES = 4_096  # bytes given to the detector, which takes up to 20 ms for as many
_MIN_FOREIGN_BYTES = 8  # fewer say nothing
_MIN_NEIGHBOR_SHARE = 0.5  # in Latin-1, letters with accents stand alone; in the other sets they stand in runs
_FOREIGN_LINE = re.compile(rb"^[^\n]*?[\x80-\xff][^\n]*", re.MULTILINE)
_FOREIGN_RUN = re.compile(rb"[\x80-\xff]{2,}")
_ASCII = bytes(range(128))


def decode_legacy_text(file_bytes: bytes) -> str:
    """Decode text that is not UTF-8: as a common set of East Asia or Cyrillic, else as Latin-1. Never raises."""
    encoding = _detect_encoding(_take_sample(file_bytes))
    try:
        return file_bytes.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return file_bytes.decode(_FALLBACK)


def _take_sample(file_bytes: bytes) -> bytes:
    """Return the first lines that are not ASCII: comments and strings, without the code that tells nothing."""
    lines: list[bytes] = []
    size = 0
    for line in _FOREIGN_LINE.finditer(file_bytes):
        lines.append(line[0][: _MAX_SAMPLE_BYTES - size])
        size += len(lines[-1]) + 1
        if size >= _MAX_SAMPLE_BYTES:
            break
    return b"\n".join(lines)


def _detect_encoding(sample: bytes) -> str:
    """Return the encoding that the sample seems to have; the fall-back if it is short, or unclear."""
    foreign_count = len(sample.translate(None, _ASCII))
    neighbor_count = sum(len(run) for run in _FOREIGN_RUN.findall(sample))
    if foreign_count < _MIN_FOREIGN_BYTES or neighbor_count < _MIN_NEIGHBOR_SHARE * foreign_count:
        return _FALLBACK
    from charset_normalizer import from_bytes  # only now: few files need it

    match = from_bytes(sample, cp_isolation=_ENCODINGS, enable_fallback=False).best()
    return _FALLBACK if match is None or match.encoding == "cp1252" else match.encoding
