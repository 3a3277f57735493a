"""A forge's own tokens and rights: a user asks with her forge token, and may read what the forge lists for it.

The shapes of three APIs, as their documentation has them: GitHub's REST API (`/user`, `/user/repos`), GitLab's v4
(`/user`, `/projects`), Gitea's and Forgejo's v1 (`/user`, `/user/repos`). Repositories must be named as the forge names
them (`owner/name`), in the same case. Tokens are kept as hashes only, and sent nowhere else: no redirect is followed.
"""

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from codekin.embed.remote.address import VISIBLE_ASCII
from codekin.errors import TeamError
from codekin.team.address import parse_address

_TIMEOUT_S = 10.0
_LIFETIME_S = 60.0  # of an answer: how long a revocation may take
_MAX_PAGES = 500
_MAX_PAGE_BYTES = 16 << 20
_MAX_ANSWERS = 10_000  # answers remembered, those to wrong tokens among them
_MAX_TOKEN_LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class ForgeApi:
    """Where a kind of forge says who a token is, and what she may read."""

    address: str  # "" where each company has its own
    user_path: str
    user_field: str
    repositories_path: str  # with {page}, from 1
    name_field: str
    scheme: str = "Bearer"
    has_permissions: bool = True  # in each row; else only what may be read is listed


FORGES = {
    "github": ForgeApi(
        "https://api.github.com", "/user", "login", "/user/repos?per_page=100&page={page}", "full_name"
    ),
    # 20 is a reporter; guests of private projects may not read their code.
    "gitlab": ForgeApi(
        "https://gitlab.com/api/v4", "/user", "username",
        "/projects?membership=true&min_access_level=20&simple=true&per_page=100&page={page}", "path_with_namespace",
        has_permissions=False,
    ),
    "gitea": ForgeApi("", "/user", "login", "/user/repos?limit=50&page={page}", "full_name", "token"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a forge said of a token."""

    asked_at: float
    user: str | None
    repositories: frozenset[str] = frozenset()


class ForgeAccess:
    """Tells users by the forge's tokens, and knows what the forge lets them read."""

    def __init__(self, kind: str, address: str = "") -> None:
        """`kind` is one of FORGES; `address` is that of its API. Sends nothing. Raises TeamError."""
        self._api = FORGES[kind]
        self._address = parse_address(
            address or self._api.address, "--forge-url", "that of the forge's API, as https://HOST/api/v1"
        )
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def authenticate(self, token: str) -> str | None:
        """Return the token's user, None if refused; ask the forge at most every 60 s, store her repositories.

        Stores which repositories the token may read, too. Raises TeamError where the forge can't be asked.
        """
        if not token or len(token) > _MAX_TOKEN_LENGTH or not VISIBLE_ASCII.fullmatch(token):
            return None
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            answer = self._answers.get(digest)
        if answer is None or time.monotonic() - answer.asked_at > _LIFETIME_S:
            answer = self._ask(token)
            with self._lock:
                self._answers[digest] = answer
                self._answers.move_to_end(digest)
                while len(self._answers) > _MAX_ANSWERS:
                    self._answers.popitem(last=False)
        return answer.user

    def find_readable(self, user: str, repositories: Collection[str]) -> set[str]:
        """Return which of these repositories the user may read, by what the forge said of her tokens last; don't ask.

        Where she has several tokens, what every one of them may read: none is worth more here than at the forge.
        """
        oldest = time.monotonic() - _LIFETIME_S - _TIMEOUT_S
        with self._lock:
            lists = [
                answer.repositories
                for answer in self._answers.values()
                if answer.user == user and answer.asked_at >= oldest
            ]
        return set(repositories).intersection(*lists) if lists else set()

    def _ask(self, token: str) -> _Answer:
        """Request a token's user and all repositories that it may read from the forge. Raises TeamError."""
        asked_at = time.monotonic()
        profile = self._get(self._api.user_path, token)
        if profile is None:
            return _Answer(asked_at, None)
        names: set[str] = set()
        try:
            for page in range(1, _MAX_PAGES + 1):
                rows = self._get(self._api.repositories_path.format(page=page), token)
                if not rows:
                    break
                names.update(row[self._api.name_field] for row in rows if self._is_readable(row))
            return _Answer(asked_at, str(profile[self._api.user_field]), frozenset(names))
        except (KeyError, TypeError) as error:
            raise TeamError("The forge's answers are of another shape. Is --forge its kind?") from error

    def _is_readable(self, row: dict[str, Any]) -> bool:
        """Return whether the forge lets the token read a listed repository's code. Raises KeyError, TypeError."""
        return not self._api.has_permissions or row["permissions"]["pull"] is True

    def _get(self, path: str, token: str) -> Any:
        """Request a path of the forge's API; return the parsed JSON, None if the token is refused. Raises TeamError."""
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        connection = kind(self._address.hostname or "", self._address.port, timeout=_TIMEOUT_S)
        try:
            headers = {"Authorization": f"{self._api.scheme} {token}", "Accept": "application/json"}
            connection.request("GET", self._address.path + path, headers=headers | {"User-Agent": "codekin"})
            response = connection.getresponse()
            if response.status == 401:
                return None
            if response.status != 200:
                raise TeamError(
                    f"The forge answered {response.status}. Is {self._address.geturl()} its API, may the token list"
                    " repositories, and is the forge's rate limit not used up?"
                )
            return json.loads(response.read(_MAX_PAGE_BYTES))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise TeamError(f"The forge {self._address.hostname} can't be asked: {type(error).__name__}.") from error
        finally:
            connection.close()
