"""The team's index as a source of vectors: for texts whose hash the client knows, in repositories she may read."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.errors import TeamError
from codekin.team.client import Document, GatewayClient
from codekin.team.messages import MAX_HASHES, MAX_RESPONSE_BYTES, decode_vector

_TIMEOUT_S = 5.0  # of one request: the model embeds nothing meanwhile
_OVERHEAD_BYTES = 64  # of a vector in the response


class TeamVectors:
    """Asks the gateway for vectors. Safe on any thread."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client
        self._response: Future[Document] = Future()  # of the last request
        self._response.set_result({})

    def count_per_request(self, dim: int) -> int:
        """Return how many contents may be asked for at once: 2,000, fewer of long vectors."""
        return min(MAX_HASHES, MAX_RESPONSE_BYTES // (3 * dim + _OVERHEAD_BYTES))

    def find_vectors(self, space: str, dim: int, hashes: Sequence[bytes]) -> dict[bytes, NDArray[np.floating[Any]]]:
        """Return content hash → vector (dim,) of those that the gateway gives, within 5 s. Raises TeamError.

        What was not asked for, or is no unit vector of `dim` numbers, is an error.
        """
        body = {"space": space, "hashes": [content_hash.hex() for content_hash in hashes]}
        document = self._request(body)
        wanted = set(hashes)
        try:
            vectors = {bytes.fromhex(key): decode_vector(text) for key, text in document["vectors"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TeamError(
                f"The team's gateway {self._client.name} gave what are no vectors. Update codekin."
            ) from error
        if not vectors.keys() <= wanted or any(len(vector) != dim for vector in vectors.values()):
            raise TeamError(f"The team's gateway {self._client.name} gave vectors that nobody asked for.")
        return vectors

    def _request(self, body: Document) -> Document:
        """Return the gateway's response to a request for vectors. Raises TeamError, also where it takes over 5 s.

        A timeout of the connection is one of each read: a gateway that sends a byte now and then meets it for ever.
        """
        name = self._client.name
        if not self._response.done():
            raise TeamError(f"The team's gateway {name} has not yet answered an earlier request for vectors.")
        self._response = Future()
        threading.Thread(target=self._fulfil, args=(self._response, body), daemon=True).start()
        try:
            return self._response.result(_TIMEOUT_S)
        except FutureTimeoutError as error:
            raise TeamError(f"The team's gateway {name} gave no vectors within {_TIMEOUT_S:g} s.") from error

    def _fulfil(self, response: "Future[Document]", body: Document) -> None:
        """Send a request for vectors, and set its response, or its error, in the future."""
        try:
            response.set_result(self._client.request("/vectors", body, _TIMEOUT_S))
        except Exception as error:  # noqa: BLE001 (it is raised where the response is taken)
            response.set_exception(error)
