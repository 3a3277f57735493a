"""Request vectors from a server with OpenAI's embeddings API (vLLM, TEI, Ollama, llama.cpp, Infinity).

Source: https://platform.openai.com/docs/api-reference/embeddings. The instruction is put before each text, as the API
has no field for it. The code is sent to that address only: redirects are not followed, as they would carry the key
along, and proxies are bypassed for a server on this machine.
"""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray

from codekin.embed.local.checkpoint import read_dimensions
from codekin.embed.local.presets import find_preset
from codekin.embed.remote.address import VISIBLE_ASCII, is_this_machine, parse_address
from codekin.embed.tasks import Prefixes
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelBusyError, ModelError
from codekin.settings import ModelSettings, endpoint_key
from codekin.types import Role, Task

Floats = NDArray[np.float32]

_MAX_TRIES = 6
_FIRST_RETRY_DELAY_S = 0.5  # before the second try; doubles before each later one
_MAX_RETRY_DELAY_S = 60.0  # limits the server's Retry-After
_READ_BYTES = 1 << 16  # per read of a response
_MAX_BYTES_PER_TEXT = 1 << 20  # of a response
_MIN_SAME_COSINE = 0.99  # between vectors that one model makes of a text at different times
_RETRY_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_TOO_LARGE_STATUSES = (413, 422)  # too many texts, or too long a body
_MAX_QUOTED_CHARS = 200  # of a server's error text
_PROMPT_NAMES = {Role.QUERY: "query", Role.PASSAGE: "document"}


class _TransientError(Exception):
    """A request failed in a way that a retry may cure."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class _TooLargeError(Exception):
    """The server takes no batch of so many texts; each half of it may do."""


class _NoRedirectHandler(HTTPRedirectHandler):
    """Handler that follows no redirects: they are raised as an HTTPError."""

    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect, so that texts and key only go to the configured address."""


@dataclass(frozen=True, slots=True)
class ModelProof:
    """A text and its vector, by which to recognise whether the same model still answers."""

    text: str
    vector: Floats  # (d,), from the server; not zero

    def matches(self, vector: Floats) -> bool:
        """Return whether `vector`, made of `text`, is of the same model: its cosine to the stored one is over 0.99."""
        if vector.shape != self.vector.shape:
            return False
        return bool(vector @ self.vector > _MIN_SAME_COSINE * np.linalg.norm(vector) * np.linalg.norm(self.vector))


class Endpoint:
    """The server and model that the settings name. Thread-safe."""

    def __init__(self, settings: ModelSettings) -> None:
        """Check the address, the key and the model's name; sends nothing. Raises ModelError."""
        address = parse_address(settings.endpoint)
        if not VISIBLE_ASCII.fullmatch(endpoint_key()):
            raise ModelError(
                "CODEKIN_ENDPOINT_KEY has characters that keys can't have. Set it again in the environment."
            )
        if settings.name == "embedded":
            raise ModelError(f"Which model does {settings.endpoint} run? Set model.name to its name there.")
        self.url = address.geturl().rstrip("/") + "/embeddings"
        self.model = settings.name
        self.is_local = is_this_machine(address.hostname or "")
        self.exposes_key = bool(endpoint_key()) and address.scheme == "http" and not self.is_local
        self.closed = threading.Event()
        self._timeout_s = settings.endpoint_timeout_s
        self._batch_size = settings.endpoint_batch
        self._opener = build_opener(_NoRedirectHandler, *([ProxyHandler({})] if self.is_local else []))

    def make_proof(self, text: str) -> ModelProof:
        """Request the vector of `text`; return the proof of the model that answers. Raises ModelError, also if busy."""
        (vector,) = self.request_vectors([text])
        if not vector.any():
            raise self._describe_wrong_answer("a vector of zeros")
        return ModelProof(text, vector)

    def request_vectors(self, texts: Sequence[str], timeout_s: float | None = None) -> Floats:
        """Request vectors, float32 (n, d), of one text or more. Raises ModelBusyError, ModelError.

        With `timeout_s`, nothing is tried again, and all batches together have that many seconds.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        batches = [texts[start : start + self._batch_size] for start in range(0, len(texts), self._batch_size)]
        return self._join_vectors([self._request_batch(text_batch, deadline) for text_batch in batches])

    def _join_vectors(self, batch_vectors: Sequence[Floats]) -> Floats:
        """Return the vectors of all batches as one array. Raises ModelError if their lengths differ."""
        if len({rows.shape[1] for rows in batch_vectors}) > 1:
            raise self._describe_wrong_answer("vectors of different lengths")
        return np.concatenate(batch_vectors)

    def _request_batch(self, texts: Sequence[str], deadline: float | None) -> Floats:
        """Return one batch's vectors, retried at growing delays without `deadline`. Raises ModelBusyError, ModelError.

        Halves a batch that is too large. With a `deadline` (of the monotonic clock) there is one try.
        """
        retry_delay_s = _FIRST_RETRY_DELAY_S
        for tries_left in reversed(range(1 if deadline is not None else _MAX_TRIES)):
            try:
                return self._post_batch(texts, self._timeout_s if deadline is None else deadline - time.monotonic())
            except _TooLargeError:
                halves = texts[: len(texts) // 2], texts[len(texts) // 2 :]
                return self._join_vectors([self._request_batch(half, deadline) for half in halves])
            except _TransientError as error:
                if not tries_left:
                    raise ModelBusyError(f"{self.url}: {error}. Is the server running and healthy?") from error
                if self.closed.wait(min(max(retry_delay_s, error.retry_after_s), _MAX_RETRY_DELAY_S)):
                    raise ModelBusyError(f"{self.url} is no longer in use.") from error
                retry_delay_s *= 2
        raise AssertionError

    def _post_batch(self, texts: Sequence[str], timeout_s: float) -> Floats:
        """Return the vectors of one POST. Raises ModelError, _TransientError; _TooLargeError if it can be halved."""
        if timeout_s <= 0:
            raise _TransientError("there was no time left to ask")
        request_body = json.dumps({"model": self.model, "input": list(texts), "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "codekin"}
        if api_key := endpoint_key():
            headers["Authorization"] = f"Bearer {api_key}"
        try:
            request = Request(self.url, request_body, headers)  # noqa: S310
            with self._opener.open(request, timeout=timeout_s) as response:
                response_body = self._read_body(response, len(texts), time.monotonic() + timeout_s)
            return self._parse_vectors(response_body, len(texts))
        except HTTPError as error:
            if error.code in _TOO_LARGE_STATUSES and len(texts) > 1:
                raise _TooLargeError from error
            raise self._explain_status(error) from error
        except TimeoutError as error:
            raise _TransientError(f"no answer within {round(timeout_s, 1):g} s") from error
        except URLError as error:
            raise _TransientError(f"it can't be reached ({error.reason})") from error
        except (OSError, HTTPException) as error:
            raise _TransientError(f"the connection broke ({error!r})") from error

    def _read_body(self, response: HTTPResponse, text_count: int, deadline: float) -> bytes:
        """Return the response's whole body. Raises TimeoutError at the deadline, ModelError if it is too large."""
        body, content_length = bytearray(), response.length  # None if the server doesn't send it
        while (content_length is None or len(body) < content_length) and (body_part := response.read1(_READ_BYTES)):
            body += body_part
            if time.monotonic() > deadline:
                raise TimeoutError
            if len(body) > text_count * _MAX_BYTES_PER_TEXT:
                raise self._describe_wrong_answer(f"more than {len(body):,} bytes for {text_count} texts")
        if content_length is not None and len(body) < content_length:
            raise IncompleteRead(bytes(body), content_length - len(body))
        return bytes(body)

    def _explain_status(self, error: HTTPError) -> Exception:
        """Return (don't raise) the error for an HTTP status: transient where a retry may help, else ModelError."""
        quoted_text = _quote_response(error)
        if error.code in _RETRY_STATUSES:
            return _TransientError(f"status {error.code} {quoted_text}".strip(), _parse_retry_after_s(error.headers))
        if error.code in (401, 403):
            return ModelError(f"{self.url} rejects the key. Set CODEKIN_ENDPOINT_KEY in the environment. {quoted_text}")
        if 300 <= error.code < 400:
            location = error.headers["Location"] or "an unknown address"
            return ModelError(f"{self.url} redirects to {location}. Set model.endpoint to it.")
        remedy = "Check model.endpoint (http://HOST:PORT/v1) and model.name."
        return ModelError(f"{self.url} returned status {error.code}. {remedy} {quoted_text}".strip())

    def _parse_vectors(self, body: bytes, text_count: int) -> Floats:
        """Return the vectors in a response, in the texts' order. Raises ModelError if any is missing or not finite."""
        try:
            rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
            row_indexes = [row["index"] for row in rows]
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise self._describe_wrong_answer("something other than vectors") from error
        if vectors.ndim != 2 or row_indexes != list(range(text_count)) or not vectors.shape[1]:
            raise self._describe_wrong_answer(f"{len(set(row_indexes))} vectors for {text_count} texts")
        if not np.isfinite(vectors).all():
            raise self._describe_wrong_answer("vectors that are not finite")
        return vectors

    def _describe_wrong_answer(self, content: str) -> ModelError:
        """Return (don't raise) the error for an answer that is not an embedding model's."""
        remedy = "Is this its OpenAI-compatible address (…/v1), and is it an embedding model?"
        return ModelError(f"{self.url} returned {content}. {remedy}")


class EndpointEncoder:
    """Encoder that uses the model at an endpoint."""

    def __init__(
        self, endpoint: Endpoint, settings: ModelSettings, model_proof: ModelProof, timeout_s: float | None = None
    ) -> None:
        """Use one try of `timeout_s` per request, or several tries if that is None. Raises ModelError."""
        preset, vector_size = find_preset(settings.name), len(model_proof.vector)
        matryoshka_dims = preset.matryoshka if preset else (settings.dim, *read_dimensions(settings))
        self.name = settings.name
        self.dims = (*sorted({dim for dim in matryoshka_dims if 0 < dim < vector_size}), vector_size)
        self.prefixes = choose_prefixes(settings)
        self.device = endpoint.url
        # The proof shows whether the name still stands for the same model.
        self.fingerprint = hashlib.sha256(f"endpoint/{settings.name}/{vector_size}".encode()).hexdigest()[:16]
        self._endpoint = endpoint
        self._model_proof = model_proof
        self._timeout_s = timeout_s

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a warning if the key is sent unencrypted; else ()."""
        if not self._endpoint.exposes_key:
            return ()
        return (f"The key for {self._endpoint.url} is sent unencrypted. Use https.",)

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """Request raw vectors, float32 (n, dims[-1]).

        Raises ModelBusyError; ModelError also if another model answers.
        """
        if not texts:
            return np.empty((0, self.dims[-1]), np.float32)
        # Some servers reject an empty text.
        prefixed_texts = [replace_surrogates(prefix + text) or " " for text in texts]
        # The proof's text is last, so that a model replaced meanwhile has answered it too.
        vectors = self._endpoint.request_vectors([*prefixed_texts, self._model_proof.text], self._timeout_s)
        if not self._model_proof.matches(vectors[-1]):
            raise ModelError(
                f"{self.device} serves another model now. Ask again: codekin embeds your code anew for it."
            )
        return vectors[:-1]


def choose_prefixes(settings: ModelSettings) -> Prefixes:
    """Return (task, role) → instruction: the preset's, else the settings', else ""."""
    preset = find_preset(settings.name)
    prompts_by_name = dict(text.partition("=")[::2] for text in settings.prompts)
    prefixes = {}
    for task in Task:
        for role, role_name in _PROMPT_NAMES.items():
            preset_prefix = preset.prefixes.get((task, role)) if preset else None
            setting_prefix = prompts_by_name.get(f"{task}_{role_name}", prompts_by_name.get(role_name, ""))
            prefixes[task, role] = setting_prefix if preset_prefix is None else preset_prefix
    return prefixes


def _quote_response(error: HTTPError) -> str:
    """Return the start of a server's error text, printable and on one line; "" if it can't be read."""
    try:
        response_text = error.read1(_MAX_QUOTED_CHARS).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    printable_text = "".join(character if character.isprintable() else " " for character in response_text)
    return " ".join(printable_text.split())


def _parse_retry_after_s(headers: "Message[str, str]") -> float:
    """Return the seconds of the Retry-After header (RFC 9110, section 10.2.3); 0 if absent or invalid."""
    header_value = headers.get("Retry-After") or "0"
    try:
        return (
            float(header_value)
            if header_value.isdecimal()
            else max(parsedate_to_datetime(header_value).timestamp() - time.time(), 0.0)
        )
    except (ValueError, TypeError, OverflowError):
        return 0.0
