"""What client and gateway say to each other, as JSON; both sides read only what is well-formed and bounded."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

API = "/v1"
MAX_BODY_BYTES = 1 << 20
MAX_RESPONSE_BYTES = 32 << 20
HASH_BYTES = 16
MAX_HASHES = 2_000  # of one request for vectors
_MAX_DIM = 16_384
_MAX_WORD_LENGTH = 200
_MAX_LISTED_WORDS = 400


@dataclass(frozen=True, slots=True)
class PlaceMessage:
    """A place in a repository of the team."""

    content: int  # position among the answer's contents
    repository: str
    origin: str
    commit: str
    link: str  # the forge's page of these lines; "" where the repository has none
    path: str
    start: int
    end: int
    name_line: int
    part: int
    kind: str
    language: str
    name: str
    qualified_name: str


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """A gateway's answer to a query."""

    places: tuple[PlaceMessage, ...]
    cosines: tuple[float, ...]  # by content; 0 where it was not found by meaning
    shares: tuple[float, ...]  # by content; 0 where it was not found by words
    identical: int  # the content that is the query's own text; -1 for none
    frequencies: Mapping[str, int]
    content_count: int


_PLACE_TYPES = {name: int if kind in (int, "int") else str for name, kind in PlaceMessage.__annotations__.items()}


def encode_vector(vector: NDArray[np.floating]) -> str:
    """Return a vector as base64 of little-endian float16."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def decode_vector(text: Any) -> NDArray[np.float32]:
    """Decode base64 of float16 and scale it to length 1. Raises ValueError for none, or a length beyond 0.5 to 2."""
    data = base64.b64decode(_check(text, str), validate=True)
    if not 0 < len(data) <= 2 * _MAX_DIM or len(data) % 2:
        raise ValueError("no vector")
    vector = np.frombuffer(data, "<f2").astype(np.float32)
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or not 0.5 < norm < 2:
        raise ValueError("no unit vector")
    return vector / np.float32(norm)


def decode_words(value: Any) -> tuple[str, ...]:
    """Check that a JSON value is a list of at most 400 words, and return it as a tuple. Raises ValueError."""
    words = _check(value, list)
    if len(words) > _MAX_LISTED_WORDS or not all(
        isinstance(word, str) and len(word) <= _MAX_WORD_LENGTH for word in words
    ):
        raise ValueError("too many words")
    return tuple(words)


def decode_hash(text: Any) -> bytes:
    """Decode the hash of a content's text, 16 bytes, from hexadecimal; b"" for "". Raises ValueError."""
    content_hash = bytes.fromhex(_check(text, str))
    if len(content_hash) not in (0, HASH_BYTES):
        raise ValueError("no hash")
    return content_hash


def decode_answer(document: Any) -> AnswerMessage:
    """Convert a gateway's parsed JSON to an AnswerMessage. Raises ValueError where it is malformed."""
    try:
        cosines = tuple(float(value) for value in _check(document["cosines"], list))
        shares = tuple(float(value) for value in _check(document["shares"], list))
        places = tuple(_decode_place(place) for place in _check(document["places"], list))
        frequencies = {str(word): int(count) for word, count in _check(document["frequencies"], dict).items()}
        answer = AnswerMessage(
            places, cosines, shares, int(document["identical"]), frequencies, int(document["content_count"])
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("malformed") from error
    if len(cosines) != len(shares) or not all(0 <= place.content < len(cosines) for place in places):
        raise ValueError("malformed")
    return answer


def encode_answer(answer: AnswerMessage) -> dict[str, Any]:
    """Return an answer as a dict for JSON; a place is the list of its fields, in order."""
    return {
        "places": [[getattr(place, name) for name in _PLACE_TYPES] for place in answer.places],
        "cosines": list(answer.cosines),
        "shares": list(answer.shares),
        "identical": answer.identical,
        "frequencies": dict(answer.frequencies),
        "content_count": answer.content_count,
    }


def _decode_place(fields: Sequence[Any]) -> PlaceMessage:
    """Convert the list of a place's fields to a PlaceMessage. Raises ValueError for a wrong field or path."""
    if len(fields) != len(_PLACE_TYPES):
        raise ValueError("malformed place")
    place = PlaceMessage(*(_check(value, kind) for value, kind in zip(fields, _PLACE_TYPES.values(), strict=True)))
    parts = place.path.split("/")
    if not place.path or ".." in parts or "" in parts or "\\" in place.path or "\0" in place.path:
        raise ValueError("malformed path")
    if not 0 <= place.start <= place.end or (place.link and not place.link.startswith("https://")):
        raise ValueError("malformed place")
    return place


def _check(value: Any, kind: type) -> Any:
    """Return the value itself if it is of this type; True is no int. Raises ValueError otherwise."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"not a {kind.__name__}")
    return value
