"""A heavy model behind somebody's server: OpenAI's embeddings API (vLLM, TEI, Ollama, llama.cpp, Infinity).

Source: https://platform.openai.com/docs/api-reference/embeddings. The instruction stands before each text, for the API
knows none. The code goes to that address and nowhere else: redirections are not followed, for they would take the key
along, and a server on this machine is asked past any proxy.
"""

import hashlib
import ipaddress
import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray

from codekin.embed.local.checkpoint import read_dimensions
from codekin.embed.local.presets import find_preset
from codekin.embed.tasks import Prefixes
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelBusyError, ModelError
from codekin.settings import ModelSettings, endpoint_key
from codekin.types import Role, Task

Floats = NDArray[np.float32]

_TRIES = 6
_WAIT_S = 0.5  # before the second try, doubled before each further one
_LONGEST_WAIT_S = 60.0  # what a server may ask for
_PIECE, _LONGEST = 1 << 16, 1 << 20  # bytes read at a time; of an answer, for each text
_SAME = 0.99  # cosine of a text with itself
_KEY = re.compile(r"[!-~]*")
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_TOO_MANY = (413, 422)  # texts at once, or too long a body
_SAID = 200  # characters of a server's own words that are told
_NAMES = {Role.QUERY: "query", Role.PASSAGE: "document"}


class _TryAgainError(Exception):
    """It may be luckier the next time."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class _Elsewhere(HTTPRedirectHandler):
    """Follows nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class ModelProof:
    """What tells whether it is the same model that answers."""

    text: str
    vector: Floats  # (d,), the server's of the text; not zero

    def matches(self, vector: Floats) -> bool:
        """Whether it is the same model's, which may compute a little otherwise from time to time."""
        if vector.shape != self.vector.shape:
            return False
        return bool(vector @ self.vector > _SAME * np.linalg.norm(vector) * np.linalg.norm(self.vector))


class Endpoint:
    """The server that the settings name, and the model that it is asked for. Any thread may ask."""

    def __init__(self, settings: ModelSettings) -> None:
        """Raises ModelError."""
        where = _address(settings.endpoint)
        if not _KEY.fullmatch(endpoint_key()):
            raise ModelError("CODEKIN_ENDPOINT_KEY has characters that no key has. Set it anew, in the environment.")
        if settings.name == "embedded":
            raise ModelError(f"Which model does {settings.endpoint} run? Set model.name to its name there.")
        self.url = where.geturl().rstrip("/") + "/embeddings"
        self.model = settings.name
        self.is_near = _is_near(where.hostname or "")
        self.is_open = bool(endpoint_key()) and where.scheme == "http" and not self.is_near
        self.closed = threading.Event()
        self._timeout_s = settings.endpoint_timeout_s
        self._batch = settings.endpoint_batch
        self._opener = build_opener(_Elsewhere, *([ProxyHandler({})] if self.is_near else []))

    def make_proof(self, text: str) -> ModelProof:
        """Of the model that is there now. Raises ModelBusyError, ModelError."""
        (vector,) = self.request_vectors([text])
        if not vector.any():
            raise self._wrong("a vector of nothing but zeros")
        return ModelProof(text, vector)

    def request_vectors(self, texts: Sequence[str], patience_s: float | None = None) -> Floats:
        """float32 (n, d), n ≥ 1, as the server makes them: with patience one try of that time, else several.

        Raises ModelBusyError, ModelError.
        """
        parts = [texts[i : i + self._batch] for i in range(0, len(texts), self._batch)]
        made = [self._part(part, patience_s) for part in parts]
        if len({rows.shape[1] for rows in made}) > 1:
            raise self._wrong("vectors of several lengths")
        return np.concatenate(made)

    def _part(self, texts: Sequence[str], patience_s: float | None) -> Floats:
        wait = _WAIT_S
        for left in reversed(range(1 if patience_s is not None else _TRIES)):
            try:
                return self._once(texts, self._timeout_s if patience_s is None else patience_s)
            except _TryAgainError as error:
                if not left:
                    raise ModelBusyError(f"{self.url}: {error}. Is the server well?") from error
                if self.closed.wait(min(max(wait, error.after_s), _LONGEST_WAIT_S)):
                    raise ModelBusyError(f"{self.url} is no longer asked.") from error
                wait *= 2
        raise AssertionError

    def _once(self, texts: Sequence[str], timeout_s: float) -> Floats:
        body = json.dumps({"model": self.model, "input": list(texts), "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "codekin"}
        if key := endpoint_key():
            headers["Authorization"] = f"Bearer {key}"
        try:
            with self._opener.open(Request(self.url, body, headers), timeout=timeout_s) as answer:  # noqa: S310
                return self._read(self._body(answer, len(texts), time.monotonic() + timeout_s), len(texts))
        except HTTPError as error:
            if error.code in _TOO_MANY and len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate([self._part(texts[:half], None), self._part(texts[half:], None)])
            raise self._refused(error) from error
        except TimeoutError as error:
            raise _TryAgainError(f"no answer within {timeout_s:g} s") from error
        except URLError as error:
            raise _TryAgainError(f"it can't be reached ({error.reason})") from error
        except (OSError, HTTPException) as error:
            raise _TryAgainError(f"the connection broke ({error!r})") from error

    def _body(self, answer: HTTPResponse, count: int, until: float) -> bytes:
        """All of it. A server that drips or never ends is not listened to for longer than one that is silent."""
        body, length = bytearray(), answer.length  # None where the server does not say
        while (length is None or len(body) < length) and (piece := answer.read1(_PIECE)):
            body += piece
            if time.monotonic() > until:
                raise TimeoutError
            if len(body) > count * _LONGEST:
                raise self._wrong(f"more than {len(body):,} bytes for {count} texts")
        if length is not None and len(body) < length:
            raise IncompleteRead(bytes(body), length - len(body))
        return bytes(body)

    def _refused(self, error: HTTPError) -> Exception:
        said = _words_of(error)
        if error.code in _AGAIN:
            return _TryAgainError(f"status {error.code} {said}".strip(), _after_s(error.headers))
        if error.code in (401, 403):
            return ModelError(f"{self.url} wants another key. Set CODEKIN_ENDPOINT_KEY in the environment. {said}")
        if 300 <= error.code < 400:
            where = error.headers["Location"] or "it does not say where"
            return ModelError(f"{self.url} is elsewhere now: {where}. Set model.endpoint to it.")
        remedy = "Check model.endpoint (http://HOST:PORT/v1) and model.name."
        return ModelError(f"{self.url} answers with status {error.code}. {remedy} {said}".strip())

    def _read(self, body: bytes, count: int) -> Floats:
        try:
            rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
            numbers = [row["index"] for row in rows]
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise self._wrong("something else") from error
        if vectors.ndim != 2 or numbers != list(range(count)) or not vectors.shape[1]:
            raise self._wrong(f"{len(set(numbers))} vectors for {count} texts")
        if not np.isfinite(vectors).all():
            raise self._wrong("vectors that are not finite")
        return vectors

    def _wrong(self, instead: str) -> ModelError:
        remedy = "Is that its OpenAI-compatible address (…/v1), and is the model one for embeddings?"
        return ModelError(f"{self.url} gave {instead}. {remedy}")


class EndpointEncoder:
    """The model at an endpoint."""

    def __init__(
        self, endpoint: Endpoint, settings: ModelSettings, proof: ModelProof, patience_s: float | None = None
    ) -> None:
        """A question waits `patience_s`, or through several tries. Raises ModelError."""
        known, width = find_preset(settings.name), len(proof.vector)
        shorter = known.matryoshka if known else (settings.dim, *read_dimensions(settings))
        self.name = settings.name
        self.dims = (*sorted({dim for dim in shorter if 0 < dim < width}), width)
        self.prefixes = choose_prefixes(settings)
        self.device = endpoint.url
        # Whether it is the same model under that name, the proof tells.
        self.fingerprint = hashlib.sha256(f"endpoint/{settings.name}/{width}".encode()).hexdigest()[:16]
        self._endpoint = endpoint
        self._proof = proof
        self._patience_s = patience_s

    @property
    def problems(self) -> tuple[str, ...]:
        if not self._endpoint.is_open:
            return ()
        return (f"The key for {self._endpoint.url} can be read on its way. Use https.",)

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """float32 (n, dims[-1]), all by the model that gave the proof. Raises ModelBusyError, ModelError."""
        if not texts:
            return np.empty((0, self.dims[-1]), np.float32)
        # Some servers refuse an empty text.
        whole = [replace_surrogates(prefix + text) or " " for text in texts]
        # At the end: a model that takes another's place meanwhile has answered that, too.
        vectors = self._endpoint.request_vectors([*whole, self._proof.text], self._patience_s)
        if not self._proof.matches(vectors[-1]):
            raise ModelError(f"{self.device} has another model now than it had. Ask again: it gets vectors of its own.")
        return vectors[:-1]


def choose_prefixes(settings: ModelSettings) -> Prefixes:
    """The instructions of a preset, else those of the settings, else none."""
    known = find_preset(settings.name)
    said = dict(text.partition("=")[::2] for text in settings.prompts)
    found = {}
    for task in Task:
        for role, name in _NAMES.items():
            own = known.prefixes.get((task, role)) if known else None
            found[task, role] = own if own is not None else said.get(f"{task}_{name}", said.get(name, ""))
    return found


def _address(endpoint: str) -> SplitResult:
    """Its parts. Raises ModelError where it is none, or holds more than an address."""
    try:
        where = urlsplit(endpoint.strip())
        is_host = bool((where.hostname or "").encode("idna")) and where.port != 0
        is_whole = where.scheme in ("http", "https") and is_host
    except ValueError:  # brackets that do not close; a port or a name that is none
        is_whole = False
    if is_whole and "@" in where.netloc:  # which is not to be told anybody
        raise ModelError("model.endpoint holds a password. Take it out; CODEKIN_ENDPOINT_KEY has the key.")
    if not is_whole or where.query or where.fragment or not _KEY.fullmatch(where.geturl()):
        raise ModelError(f'model.endpoint is "{endpoint}". Write http://HOST:PORT/v1, or https.')
    return where


def _words_of(error: HTTPError) -> str:
    """The beginning of what a server says of its failure, in characters that a terminal shows."""
    try:
        said = error.read1(_SAID).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    return " ".join("".join(one if one.isprintable() else " " for one in said).split())


def _is_near(host: str) -> bool:
    """Whether it is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _after_s(headers: "Message[str, str]") -> float:
    """How long the server asks to be left alone (RFC 9110, section 10.2.3)."""
    said = headers.get("Retry-After") or "0"
    try:
        return float(said) if said.isdecimal() else max(parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0
