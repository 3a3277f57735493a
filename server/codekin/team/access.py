"""Who asks, and which repositories may they read? Everything is decided anew for each request.

Users and tokens are in a file, or tokens are an OpenID Connect issuer's; rights are in the same file, or a command's
answer. A file that changes counts at once; a command's answer for a minute at most.
"""

import hashlib
import hmac
import threading
import time
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from codekin.errors import TeamError
from codekin.files import read_file
from codekin.processes import ProcessError, ProcessTimeoutError, read_program

_MAX_FILE_BYTES = 16 << 20
_COMMAND_TIMEOUT_S = 10.0
_COMMAND_LIFETIME_S = 60.0  # of its answer: how long a revocation may take
_MAX_TOKEN_LENGTH = 16_384


class Authenticator(Protocol):
    """Tells users by their bearer tokens."""

    def authenticate(self, token: str) -> str | None:
        """Return the user's name; None for a token that is nobody's. Raises TeamError where that can't be known."""
        ...


class RightsProvider(Protocol):
    """Knows what users may read."""

    def find_readable(self, user: str, repositories: Collection[str]) -> set[str]:
        """Return which of these repositories the user may read. Raises TeamError where that can't be known."""
        ...


@dataclass(frozen=True, slots=True)
class _User:
    """A user of the file."""

    token_digest: str
    patterns: tuple[str, ...]


class AccessFile:
    """A TOML file with users, the SHA-256 of their tokens, and patterns of the repositories they may read."""

    def __init__(self, path: Path) -> None:
        """Read the users from the TOML file. Raises TeamError."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._users: Mapping[str, _User] = {}
        self._load_if_changed()

    def authenticate(self, token: str) -> str | None:
        """Return the name of the user whose stored SHA-256 is the token's, else None. A changed file is read again."""
        digest = hashlib.sha256(token[:_MAX_TOKEN_LENGTH].encode()).hexdigest()
        users = self._load_if_changed().items()
        matching = [name for name, user in users if hmac.compare_digest(user.token_digest, digest)]
        return matching[0] if matching else None

    def find_readable(self, user: str, repositories: Collection[str]) -> set[str]:
        """Return which of these repositories match the user's patterns in the file, which is read again if changed."""
        record = self._load_if_changed().get(user)
        return match_repositories(record.patterns if record else (), repositories)

    def _load_if_changed(self) -> Mapping[str, _User]:
        """Return the users, reading the file again if it has changed. Raises TeamError if it can't be read."""
        with self._lock:
            try:
                status = self._path.stat()
                stamp = status.st_mtime_ns, status.st_size, status.st_ino
                if stamp != self._stamp:
                    self._users = _parse_users(tomllib.loads(read_file(self._path, _MAX_FILE_BYTES).data.decode()))
                    self._stamp = stamp
            except (OSError, ValueError, RecursionError) as error:
                self._stamp = None
                raise TeamError(f"The access file {self._path} can't be used: {error}. Mend it.") from error
            return self._users


class CommandRights:
    """Asks a program, with the user's name as its last argument, for patterns of repositories, one a line."""

    def __init__(self, command: list[str]) -> None:
        """`command` is a program on PATH, or its absolute path, with arguments; no shell is involved."""
        self._command = command
        self._answers: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._lock = threading.Lock()

    def find_readable(self, user: str, repositories: Collection[str]) -> set[str]:
        """Return which of these repositories match the command's patterns; it runs at most once in 60 s per user.

        Raises TeamError where the command fails.
        """
        with self._lock:
            asked_at, patterns = self._answers.get(user, (float("-inf"), ()))
            if time.monotonic() - asked_at > _COMMAND_LIFETIME_S:
                patterns = self._ask(user)
                self._answers[user] = time.monotonic(), patterns
        return match_repositories(patterns, repositories)

    def _ask(self, user: str) -> tuple[str, ...]:
        """Run the command with a user as last argument; return the patterns it prints, one a line. Raises TeamError."""
        try:
            output = read_program(*self._command, user, timeout_s=_COMMAND_TIMEOUT_S)
        except (OSError, ProcessError, ProcessTimeoutError) as error:
            raise TeamError(f"The command for rights failed ({type(error).__name__}): run it by hand.") from error
        return tuple(line.strip() for line in output.decode(errors="replace").splitlines() if line.strip())


class OidcAuthenticator:
    """Checks tokens of an OpenID Connect issuer: signature, audience, expiry; the user is a claim of theirs."""

    def __init__(self, issuer: str, audience: str, claim: str = "sub") -> None:
        """Ask the issuer, over https, at which address its keys are. Raises TeamError."""
        import jwt

        self._jwt = jwt
        self._issuer, self._audience, self._claim = issuer.rstrip("/"), audience, claim
        if not issuer.startswith("https://"):
            raise TeamError(f"The issuer {issuer} is no https address, and keys from it would prove nothing.")
        self._keys = jwt.PyJWKClient(_find_keys_address(self._issuer))

    def authenticate(self, token: str) -> str | None:
        """Return the user claim of a token with sound signature, issuer, audience and expiry, else None.

        Fetches the issuer's keys where they are not known yet. Raises TeamError where that fails.
        """
        try:
            key = self._keys.get_signing_key_from_jwt(token[:_MAX_TOKEN_LENGTH])
            claims = self._jwt.decode(
                token, key.key, algorithms=["RS256", "ES256", "EdDSA"], audience=self._audience, issuer=self._issuer,
                leeway=60, options={"require": ["exp", "iat", self._claim]},
            )  # fmt: skip
        except self._jwt.PyJWKClientConnectionError as error:
            raise TeamError(f"The issuer's keys can't be read: {error}.") from error
        except self._jwt.PyJWTError:
            return None
        return str(claims[self._claim])


def match_repositories(patterns: Iterable[str], repositories: Collection[str]) -> set[str]:
    """Return which of these repositories match a pattern, in which * stands for any characters, / among them."""
    readable: set[str] = set()
    for pattern in patterns:
        if any(character in pattern for character in "*?["):
            readable.update(name for name in repositories if fnmatchcase(name, pattern))
        elif pattern in repositories:
            readable.add(pattern)
    return readable


def _parse_users(document: dict[str, Any]) -> dict[str, _User]:
    """Check an access file's parsed TOML and return its users by name. Raises ValueError."""
    users = document.get("users")
    if not isinstance(users, dict):
        raise ValueError("it has no table [users.NAME]")
    parsed = {}
    for name, entry in users.items():
        digest, patterns = entry.get("token_sha256"), entry.get("repositories", [])
        if not isinstance(digest, str) or len(digest) != 64:
            raise ValueError(f"users.{name}.token_sha256 is not the SHA-256 of a token: see codekin team token")
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise ValueError(f"users.{name}.repositories is not a list of names")
        parsed[str(name)] = _User(digest.lower(), tuple(patterns))
    return parsed


def _find_keys_address(issuer: str) -> str:
    """Fetch an issuer's discovery document and return the address of its keys. Raises TeamError."""
    import json
    from urllib.request import urlopen

    try:
        with urlopen(f"{issuer}/.well-known/openid-configuration", timeout=_COMMAND_TIMEOUT_S) as response:  # noqa: S310 (https was checked)
            return str(json.loads(response.read(_MAX_FILE_BYTES))["jwks_uri"])
    except (OSError, ValueError, KeyError) as error:
        raise TeamError(f"The issuer {issuer} can't be asked for its keys: {error}. Is the address right?") from error
