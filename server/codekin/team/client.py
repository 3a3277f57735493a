"""The client's side of a gateway: one request at a time per question, on a thread, never waited for beyond its time.

After a failure the gateway is not asked for a while; then a probe, which nobody waits for, says whether it is back.
"""

import json
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from codekin.embed.remote.address import VISIBLE_ASCII
from codekin.errors import TeamError
from codekin.settings import TeamSettings
from codekin.team.address import parse_address
from codekin.team.messages import API, MAX_RESPONSE_BYTES

TIMEOUT_S = 0.3
_BULK_TIMEOUT_S = 30.0
_PAUSE_S = 30.0  # after a failure
_QUOTED_CHARACTERS = 200  # of a gateway's refusal

Document = dict[str, Any]


class GatewayClient:
    """Asks the gateway that the user's settings name. Safe on any thread."""

    def __init__(self, settings: TeamSettings) -> None:
        """Check the settings' address and token; send nothing. Raises TeamError."""
        self._address = parse_address(settings.url, "team.url", "https://HOST, and the token into team.token")
        self._token = settings.token
        if not VISIBLE_ASCII.fullmatch(self._token) or not self._token:
            raise TeamError("team.token is missing, or is no token. Ask whoever runs team.url for one.")
        self._idle: queue.SimpleQueue[HTTPConnection] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._problem = ""

    @property
    def problem(self) -> str:
        """Return why a started request last failed, for people, with a remedy; "" since one or a probe succeeded."""
        return self._problem

    def start(self, path: str, make_body: Callable[[], Document]) -> "PendingAnswer":
        """Return a PendingAnswer at once; a thread builds and sends the request; it fails if requests are paused.

        A failure pauses requests for 30 s. The next one then fails, too, but has a probe sent that can end the pause.
        """
        future: Future[Document] = Future()
        pending = PendingAnswer(self, future, time.monotonic() + TIMEOUT_S)
        with self._lock:
            is_paused = self._problem != "" and time.monotonic() < self._paused_until
            is_probe = self._problem != "" and not is_paused
            if is_probe:
                self._paused_until = time.monotonic() + _PAUSE_S
        if is_paused:
            future.set_exception(TeamError(self._problem))
            return pending
        if is_probe:
            future.set_exception(TeamError(self._problem))
            threading.Thread(target=self._probe, daemon=True).start()
            return pending
        threading.Thread(target=self._fulfil, args=(future, path, make_body), daemon=True).start()
        return pending

    def request(self, path: str, body: Document | None, timeout_s: float = _BULK_TIMEOUT_S) -> Document:
        """Send POST (GET without a body), wait for the response and return its JSON object. Raises TeamError."""
        data = None if body is None else json.dumps(body).encode()
        try:
            status, text = self._exchange(path, data, timeout_s)
            if status != 200 or len(text) > MAX_RESPONSE_BYTES:
                reason = "".join(filter(str.isprintable, text[:_QUOTED_CHARACTERS].decode(errors="replace")))
                raise TeamError(f"The team's gateway {self.name} answered {status}: {reason}")
            document = json.loads(text)
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            detail = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise TeamError(f"The team's gateway {self.name} can't be asked ({detail}). See team.url.") from error
        if not isinstance(document, dict):
            raise TeamError(f"The team's gateway {self.name} answered what is no answer. Update codekin.")
        return document

    @property
    def name(self) -> str:
        """Return the gateway's URL, for messages to people."""
        return self._address.geturl()

    def record_failure(self, problem: str) -> None:
        """Store the problem, and pause requests for 30 s."""
        with self._lock:
            self._problem = problem
            self._paused_until = time.monotonic() + _PAUSE_S

    def _record_success(self) -> None:
        """Clear the stored problem, which ends the pause."""
        with self._lock:
            self._problem = ""

    def _fulfil(self, future: "Future[Document]", path: str, make_body: Callable[[], Document]) -> None:
        """Build and send a request, and set its answer or its error in the future; a success clears the problem."""
        try:
            future.set_result(self.request(path, make_body(), _BULK_TIMEOUT_S))
            self._record_success()
        except Exception as error:  # noqa: BLE001 (it is raised where the answer is taken)
            future.set_exception(error)

    def _probe(self) -> None:
        """Request /about, and discard the answer: a success ends the pause, a failure starts it anew."""
        try:
            self.request("/about", None, _BULK_TIMEOUT_S)
            self._record_success()
        except TeamError as error:
            self.record_failure(str(error))

    def _exchange(self, path: str, data: bytes | None, timeout_s: float) -> tuple[int, bytes]:
        """Send a request on an idle connection, else on a new one; return the response's status and body."""
        with suppress(queue.Empty, ConnectionError):  # the gateway has closed it meanwhile: it was started again
            connection = self._idle.get_nowait()
            if connection.sock is not None:
                connection.sock.settimeout(timeout_s)
            return self._send(connection, path, data)
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        return self._send(kind(self._address.hostname or "", self._address.port, timeout=timeout_s), path, data)

    def _send(self, connection: HTTPConnection, path: str, data: bytes | None) -> tuple[int, bytes]:
        """Send a request on a connection; return status and body. Keep it for reuse after status 200, else close it."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        is_sound = False
        try:
            connection.request("GET" if data is None else "POST", self._address.path + API + path, data, headers)
            response = connection.getresponse()
            text = response.read(MAX_RESPONSE_BYTES + 1)
            is_sound = response.status == 200 and len(text) <= MAX_RESPONSE_BYTES
            return response.status, text
        finally:
            if is_sound:
                self._idle.put(connection)
            else:
                connection.close()


class PendingAnswer:
    """A request under way."""

    def __init__(self, client: GatewayClient, future: "Future[Document]", deadline: float) -> None:
        self._client = client
        self._future = future
        self._deadline = deadline

    def wait(self) -> Document:
        """Return the response's dict once it comes; after 300 ms pause requests. Raises TeamError without one."""
        try:
            return self._future.result(max(self._deadline - time.monotonic(), 0.0))
        except FutureTimeoutError as error:
            problem = f"The team's gateway {self._client.name} did not answer within {TIMEOUT_S * 1_000:.0f} ms."
            self._client.record_failure(problem)
            raise TeamError(problem) from error
        except TeamError as error:
            if not self._client.problem:
                self._client.record_failure(str(error))
            raise
