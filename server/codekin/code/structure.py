"""Text → the fingerprints of its structure: is it the same code, the same but for names, or nearly the same?

Three of them, from strict to lenient, all of the tokens (tokens.py), so that a function cut out of its file has those
that it has in it:

- `exact`: the tokens as they are; formatting and comments aside.
- `renamed`: names by the order in which they first come, literals by kind: equal after a consistent renaming.
- `sketch`: MinHash (Broder 1997) of the runs of tokens whose names and literals are only there; one byte of each
  minimum (Li and König 2010, "b-Bit Minwise Hashing"). The share of equal bytes estimates the Jaccard similarity.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from codekin.code.tokens import MARK, NAME, Codes, Tokens, kind_mark, tokens

Sketch = npt.NDArray[np.uint8]
Shingles = npt.NDArray[np.uint32]

SKETCH = 64  # bytes: the standard error of an estimate is .06 at worst
RUN = 4  # tokens of a shingle
LEAST_TOKENS = 8  # less says nothing
LEAST_SHINGLES = 20  # of distinct ones: with less, unrelated functions are built alike

_RANDOM = np.random.Generator(np.random.PCG64(0))
_WEIGHTS = _RANDOM.integers(1 << 63, size=RUN, dtype=np.uint64) * 2 + 1
_MASKS = _RANDOM.integers(1 << 32, size=(SKETCH, 1), dtype=np.uint32)
_FACTORS = _RANDOM.integers(1 << 31, size=(SKETCH, 1), dtype=np.uint32) * 2 + 1
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint32(0x9E3779B1)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A content's fingerprints."""

    exact: bytes  # 8
    renamed: bytes  # 8; b"" where the code is too short to be called alike
    sketch: bytes  # SKETCH; b"" likewise

    def packed(self) -> bytes:
        """As stores keep it."""
        return self.exact + self.renamed + self.sketch


def unpacked(packed: bytes) -> Structure:
    """The structure of `packed`."""
    return Structure(packed[:8], packed[8:16], packed[16:])


def structure(text: str, language: str) -> Structure | None:
    """The fingerprints of a snippet's text; None where there is nothing to compare. Never raises."""
    found = tokens(text, language)
    if found is None or len(found.texts) < LEAST_TOKENS:
        return None
    exact = _digest(found.codes)
    shape = shingles(found)
    if len(shape) < LEAST_SHINGLES:
        return Structure(exact, b"", b"")
    return Structure(exact, _digest(_renumbered(found.codes)), sketch(shape).tobytes())


def shingles(found: Tokens) -> Shingles:
    """The distinct runs of tokens, names and literals being only there; ascending."""
    codes = found.codes
    shape = np.where(found.kinds == MARK, codes, codes & kind_mark(3))
    runs = shape[: len(shape) - RUN + 1] * _WEIGHTS[0]
    for i in range(1, RUN):
        runs += shape[i : len(shape) - RUN + 1 + i] * _WEIGHTS[i]
    runs ^= runs >> np.uint64(32)
    return np.unique(((runs * _MIX) >> np.uint64(32)).astype(np.uint32))


def sketch(shape: Shingles) -> Sketch:
    """(SKETCH,): a byte of the smallest value that each of as many hash functions has among the shingles."""
    least = ((shape ^ _MASKS) * _FACTORS).min(axis=1)
    found: Sketch = ((least * _SPREAD) >> np.uint32(24)).astype(np.uint8)
    return found


def _renumbered(codes: Codes) -> Codes:
    """Names by the order in which they first come; literals by kind."""
    kinds = codes >> np.uint64(62)
    result = np.where(kinds == MARK, codes, codes & kind_mark(3))
    named = kinds == NAME
    numbers: dict[int, int] = {}
    order = [numbers.setdefault(name, len(numbers)) for name in codes[named].tolist()]
    result[named] += np.array(order, np.uint64)
    return result


def _digest(codes: Codes) -> bytes:
    return blake2b(codes.tobytes(), digest_size=8).digest()
