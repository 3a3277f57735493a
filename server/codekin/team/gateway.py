"""The gateway: the only door to a shared index. An ASGI application; a proxy in front of it speaks TLS.

Each request is authenticated, limited, and answered by what its user may read at that moment. The log says who asked,
never what.
"""

import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from codekin.errors import TeamError
from codekin.team.access import Authenticator, RightsProvider
from codekin.team.catalogue import SharedPlace
from codekin.team.gateway_metrics import GatewayMetrics
from codekin.team.gateway_search import MAX_CANDIDATES, GatewaySearch, SharedAnswer, SharedQuery
from codekin.team.messages import (
    API,
    MAX_BODY_BYTES,
    MAX_HASHES,
    AnswerMessage,
    PlaceMessage,
    decode_hash,
    decode_vector,
    decode_words,
    encode_answer,
    encode_vector,
)
from codekin.team.rate_limit import RateLimit

logger = logging.getLogger("codekin.team.gateway")

Answerer = Callable[[dict[str, Any], set[str]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _RefusedError(Exception):
    """A request that is refused: status and text of the response."""

    status: int
    text: str


class Gateway:
    """Answers HTTP requests from a shared index."""

    def __init__(
        self, search: GatewaySearch, authenticator: Authenticator, rights: RightsProvider, rate_limit: RateLimit
    ) -> None:
        self._search = search
        self._authenticator = authenticator
        self._rights = rights
        self._rate_limit = rate_limit
        self._metrics = GatewayMetrics()
        self.application = Starlette(
            routes=[
                Route(f"{API}/about", self._make_handler("about", self._describe), methods=["GET"]),
                Route(f"{API}/search", self._make_handler("search", self._find_places), methods=["POST"]),
                Route(f"{API}/vectors", self._make_handler("vectors", self._find_vectors), methods=["POST"]),
                Route("/health", self._check_health, methods=["GET"]),
                Route("/metrics", self._show_metrics, methods=["GET"]),
            ]
        )

    def _make_handler(self, name: str, answer: Answerer) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of a route, which authenticates, limits, answers, logs and counts each request."""

        async def handle(request: Request) -> Response:
            """Answer a request, log who asked, and count it."""
            started, user = time.monotonic(), ""
            try:
                user = await run_in_threadpool(self._authenticate, request)
                body = await _read_body(request) if request.method == "POST" else {}
                document = await run_in_threadpool(self._answer, user, body, answer)
                response: Response = JSONResponse(document)
            except _RefusedError as refusal:
                response = PlainTextResponse(refusal.text + "\n", refusal.status)
            except TeamError as error:
                logger.error("%s", error)
                response = PlainTextResponse("The shared index does not answer. Ask whoever runs it.\n", 503)
            seconds = time.monotonic() - started
            self._metrics.count(name, response.status_code, seconds)
            logger.info("%s %s %d %.0f ms", user or "-", name, response.status_code, 1_000 * seconds)
            return response

        return handle

    def _authenticate(self, request: Request) -> str:
        """Return the user of the request's token, and count it in her rate limit. Raises _RefusedError, TeamError."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user = self._authenticator.authenticate(token.strip()) if scheme.lower() == "bearer" and token else None
        if user is None:
            raise _RefusedError(401, "The token is missing, wrong or expired. Set team.token anew.")
        if not self._rate_limit.admit(user):
            raise _RefusedError(429, "Too many requests. Try again in a second.")
        return user

    def _answer(self, user: str, body: dict[str, Any], answer: Answerer) -> dict[str, Any]:
        """Find out what the user may read now, and return `answer`'s result for it. Raises _RefusedError, TeamError."""
        readable = self._rights.find_readable(user, self._search.list_repositories())
        try:
            return answer(body, readable)
        except (KeyError, TypeError, ValueError) as error:
            raise _RefusedError(
                400, f"The request can't be answered: {error}. Do codekin's version and model suit the index?"
            ) from error

    def _describe(self, _: dict[str, Any], readable: set[str]) -> dict[str, Any]:
        """Return a dict for JSON: the searched space, counts of readable repositories and of all contents."""
        return self._search.describe(readable)

    def _find_places(self, body: dict[str, Any], readable: set[str]) -> dict[str, Any]:
        """Decode a search request, search readable repositories, and return the answer as a dict for JSON.

        Raises KeyError, TypeError, ValueError where the request is malformed.
        """
        query = SharedQuery(
            str(body["space"]),
            decode_vector(body["vector"]),
            decode_words(body.get("words", [])),
            decode_words(body.get("counted_words", [])),
            decode_hash(body.get("hash", "")),
            min(max(int(body.get("k", 100)), 1), MAX_CANDIDATES),
        )
        return encode_answer(_to_message(self._search.search(query, readable)))

    def _find_vectors(self, body: dict[str, Any], readable: set[str]) -> dict[str, Any]:
        """Return, as a dict for JSON, stored vectors of readable texts by text hash, for the request's hashes.

        Raises KeyError, TypeError, ValueError where the request is malformed.
        """
        hashes = [decode_hash(text) for text in body["hashes"]]
        if len(hashes) > MAX_HASHES or not all(hashes):
            raise ValueError("too many hashes, or empty ones")
        vectors = self._search.find_vectors(str(body["space"]), hashes, readable)
        return {"vectors": {content_hash.hex(): encode_vector(vector) for content_hash, vector in vectors.items()}}

    async def _check_health(self, _: Request) -> Response:
        """Answer 200 if the index can be read, else 503; needs no token, for load balancers."""
        try:
            await run_in_threadpool(self._search.list_repositories)
        except TeamError:
            return PlainTextResponse("the engine does not answer\n", 503)
        return PlainTextResponse("ok\n")

    async def _show_metrics(self, _: Request) -> Response:
        """Answer with the metrics in Prometheus' format, which name neither users nor repositories; needs no token."""
        return Response(self._metrics.render(), media_type=self._metrics.content_type)


def serve_gateway(gateway: Gateway, listener: socket.socket) -> None:
    """Serve HTTP on this listening socket until a signal stops the process. Blocks."""
    config = uvicorn.Config(gateway.application, log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


async def _read_body(request: Request) -> dict[str, Any]:
    """Read a request's body, 1 MiB at most, and return its JSON object. Raises _RefusedError."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise _RefusedError(413, "The request is too long.")
    try:
        body = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise _RefusedError(400, "The request is no JSON.") from error
    if not isinstance(body, dict):
        raise _RefusedError(400, "The request is no JSON object.")
    return body


def _to_message(answer: SharedAnswer) -> AnswerMessage:
    """Return an answer as a message for the client; positions from 0 replace contents' ids, which must stay here."""
    positions = {content: position for position, content in enumerate(dict.fromkeys(p.content for p in answer.places))}
    return AnswerMessage(
        tuple(_to_place_message(place, positions[place.content]) for place in answer.places),
        tuple(float(np.float32(answer.cosines.get(content, 0.0))) for content in positions),
        tuple(answer.shares.get(content, 0.0) for content in positions),
        positions.get(answer.identical, -1),
        answer.frequencies,
        answer.content_count,
    )


def _to_place_message(place: SharedPlace, content: int) -> PlaceMessage:
    """Return a place as a message for the client, with the link to the forge's page that shows its lines."""
    record = place.repository
    values = {"{commit}": record.commit_id, "{path}": quote(place.path), "{start}": str(place.start + 1)}
    link = record.link
    for name, value in (values | {"{end}": str(place.end)}).items():
        link = link.replace(name, value)
    return PlaceMessage(
        content, record.name, record.origin, record.commit_id, link, place.path, place.start, place.end,
        place.name_line, place.part, place.kind, place.language, place.name, place.qualified_name,
    )  # fmt: skip


def open_gateway_listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this host and port; port 0 is any free one. Raises TeamError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise TeamError(f"Can't listen on {host}:{port} ({error.strerror}). Choose another port.") from error
