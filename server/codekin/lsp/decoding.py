"""A frame's bytes → JSON values that all the rest can rely on.

Texts can be encoded (a lone surrogate, which JSON can say, becomes U+FFFD: as wide in every encoding), numbers are
finite, and nothing is nested too deeply to be walked.
"""

import json
import math
import sys
from typing import Any, Never

from pygls.exceptions import JsonRpcParseError

from codekin.lsp.framing import Frame

_MAX_DEPTH = 100  # what clients send has up to 12 levels


def decode(frame: Frame) -> Any:
    """Return what the frame says. Raises JsonRpcParseError."""
    if frame.charset not in ("utf-8", "utf8"):
        raise JsonRpcParseError(f"Messages must be in UTF-8, not in {frame.charset[:40]}.")
    try:
        text = frame.body.decode("utf-8-sig")
        return _clean(json.loads(text, parse_float=_to_finite, parse_constant=_refuse_constant), 0)
    except UnicodeDecodeError as error:
        raise JsonRpcParseError(f"A message is not in UTF-8: {error.reason} at byte {error.start}.") from error
    except RecursionError as error:
        raise JsonRpcParseError("A message is nested too deeply.") from error
    except ValueError as error:
        raise JsonRpcParseError(f"A message is not JSON: {error}.") from error


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _to_encodable(value)
    if not isinstance(value, dict | list):
        return value
    if depth == _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return {  # an id is said back as it came
        _to_encodable(key): item if key == "id" and isinstance(item, str) else _clean(item, depth + 1)
        for key, item in value.items()
    }


def _to_encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _to_finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else math.copysign(sys.float_info.max, number)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")
