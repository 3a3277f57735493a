"""Decode a frame's bytes into JSON values that are safe to work with.

Texts can be encoded (a lone surrogate, which JSON can say, becomes U+FFFD: as wide in every encoding), numbers are
finite, and nothing is nested too deeply to be walked.
"""

import json
import math
import sys
from typing import Any, Never

from pygls.exceptions import JsonRpcParseError

from codekin.lsp.framing import Frame

_MAX_DEPTH = 100  # clients send up to 12 levels


def decode_frame(frame: Frame) -> Any:
    """Return the frame's JSON value: finite numbers, no lone surrogates, up to 100 levels. Raises JsonRpcParseError."""
    if frame.charset not in ("utf-8", "utf8"):
        raise JsonRpcParseError(f"Messages must be in UTF-8, not in {frame.charset[:40]}.")
    try:
        json_text = frame.body.decode("utf-8-sig")
        return _sanitize_value(
            json.loads(json_text, parse_float=_parse_finite_float, parse_constant=_refuse_constant), 0
        )
    except UnicodeDecodeError as error:
        raise JsonRpcParseError(f"A message is not in UTF-8: {error.reason} at byte {error.start}.") from error
    except RecursionError as error:
        raise JsonRpcParseError("A message is nested too deeply.") from error
    except ValueError as error:
        raise JsonRpcParseError(f"A message is not JSON: {error}.") from error


def _sanitize_value(json_value: Any, nesting_depth: int) -> Any:
    """Return the value without lone surrogates, except in an id. Raises RecursionError beyond 100 levels."""
    if isinstance(json_value, str):
        return _replace_surrogates(json_value)
    if not isinstance(json_value, dict | list):
        return json_value
    if nesting_depth == _MAX_DEPTH:
        raise RecursionError
    if isinstance(json_value, list):
        return [_sanitize_value(item, nesting_depth + 1) for item in json_value]
    return {  # an id is returned unchanged
        _replace_surrogates(member_name): item
        if member_name == "id" and isinstance(item, str)
        else _sanitize_value(item, nesting_depth + 1)
        for member_name, item in json_value.items()
    }


def _replace_surrogates(text: str) -> str:
    """Return the text with each lone surrogate replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _parse_finite_float(digits: str) -> float:
    """Parse a JSON number; one too large for a float becomes the largest float of its sign."""
    number = float(digits)
    return number if math.isfinite(number) else math.copysign(sys.float_info.max, number)


def _refuse_constant(name: str) -> Never:
    """Raise ValueError for NaN and Infinity, which Python's JSON reader would accept; never return."""
    raise ValueError(f"{name} is no number of JSON")
