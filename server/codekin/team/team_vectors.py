"""The team's index as a source of vectors: for texts whose hash the client knows, in repositories she may read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.errors import TeamError
from codekin.team.client import GatewayClient
from codekin.team.messages import MAX_HASHES, MAX_RESPONSE_BYTES, decode_vector

_TIMEOUT_S = 5.0  # of one request, on a thread that would embed meanwhile
_OVERHEAD_BYTES = 64  # of a vector in the response


class TeamVectors:
    """Asks the gateway for vectors. Safe on any thread."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def count_per_request(self, dim: int) -> int:
        """Return how many contents may be asked for at once: 2,000, fewer of long vectors."""
        return min(MAX_HASHES, MAX_RESPONSE_BYTES // (3 * dim + _OVERHEAD_BYTES))

    def find_vectors(self, space: str, dim: int, hashes: Sequence[bytes]) -> dict[bytes, NDArray[np.floating[Any]]]:
        """Return content hash → vector (dim,) of those that the gateway gives, within 5 s. Raises TeamError.

        What was not asked for, or is no unit vector of `dim` numbers, is an error.
        """
        body = {"space": space, "hashes": [content_hash.hex() for content_hash in hashes]}
        document = self._client.request("/vectors", body, _TIMEOUT_S)
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
