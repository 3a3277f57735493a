"""Who may talk to a server that listens: over TCP, whoever sends its token in `initialize`.

Every program of the machine, of every user, reaches a loopback port, and so does every web page in a browser, by
sending HTTP there (also behind a name that suddenly means 127.0.0.1). A page can't choose the first bytes that a
browser sends, and nobody can guess the token. A Unix socket is reached by its owner only, and so needs none.
"""

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codekin.errors import QueryError
from codekin.files import read_file
from codekin.lsp.decoding import decode
from codekin.lsp.framing import Frame, to_frame

_KEY = "token"
_MIN_CHARACTERS = 16
_MAX_FILE_BYTES = 4096
_START = b"content-"  # what a client's first bytes must be, in any case


class RefusedError(Exception):
    """A connection is no client's that may talk to us; `answer` is what it is sent before it is closed."""

    def __init__(self, message: str, answer: bytes = b"") -> None:
        super().__init__(message)
        self.answer = answer


def is_header(first: bytes) -> bool:
    """Whether a connection's first bytes may be the beginning of a header of the protocol, and so not HTTP or TLS."""
    start = first[: len(_START)].lower()
    return _START.startswith(start)


def check_first(frame: Frame, token: str | None) -> None:
    """Raise RefusedError unless it is `initialize`, with the token where there is one."""
    try:
        message = decode(frame)
    except JsonRpcException as error:
        raise RefusedError(error.message) from error
    if not isinstance(message, dict) or message.get("method") != types.INITIALIZE:
        raise RefusedError("its first message is not initialize")
    if token is not None and not hmac.compare_digest(_token_in(message).encode(), token.encode()):
        told = f"The token is missing or wrong. Send the server's as initializationOptions.{_KEY}."
        refusal = {"code": types.LSPErrorCodes.RequestFailed.value, "message": told}
        answer = to_frame({"jsonrpc": "2.0", "id": message.get("id"), "error": refusal})
        raise RefusedError("its token is missing or wrong", answer)


def without_token(options: Any) -> Any:
    """Return `initializationOptions` without the token, which is no setting."""
    return {key: value for key, value in options.items() if key != _KEY} if isinstance(options, dict) else options


def new_token() -> str:
    """Return one that nobody guesses."""
    return secrets.token_urlsafe(32)


def check_token(token: str) -> str:
    """Return it without blanks around it. Raises QueryError where it could be guessed."""
    token = token.strip()
    if len(token) < _MIN_CHARACTERS:
        raise QueryError(f"The token has fewer than {_MIN_CHARACTERS} characters. Take a longer, random one.")
    return token


def token_from(file: Path) -> str:
    """Return the token in the file; where there is none, it is made, for its owner's eyes only.

    Raises QueryError.
    """
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return check_token(_read_private(file))
    except OSError as error:
        raise QueryError(f"{file} can't be written ({error.strerror}). Name another file for the token.") from error
    token = new_token()
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{token}\n")
    return token


def _read_private(file: Path) -> str:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE_BYTES:
            raise QueryError(f"{file} is no file with a token. Name another, or one that is not there yet.")
        if os.name != "nt" and status.st_mode & 0o077:
            raise QueryError(f"Others can read {file}. Run: chmod 600 {file}")
        return read_file(file, _MAX_FILE_BYTES).data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{file} can't be read ({error}). Name another file for the token.") from error


def _token_in(message: dict[str, Any]) -> str:
    value: Any = message
    for key in ("params", "initializationOptions", _KEY):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
