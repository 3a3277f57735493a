"""Check who may talk to a listening server: over TCP, whoever sends its token in `initialize`.

Every program of the machine, of every user, reaches a loopback port, and so does every web page in a browser, by
sending HTTP there (also by DNS rebinding). A page can't choose the first bytes that a
browser sends, and nobody can guess the token. A Unix socket is reached by its owner only, and so needs no token.
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
from codekin.lsp.decoding import decode_frame
from codekin.lsp.framing import Frame, to_frame

_OPTION_NAME = "token"
_MIN_TOKEN_CHARACTERS = 16
_MAX_TOKEN_FILE_BYTES = 4096
_HEADER_START = b"content-"  # how a client's first bytes must start, in any case


class RefusedError(Exception):
    """A connection is refused for the reason in the message; `response` is sent before it is closed."""

    def __init__(self, message: str, response: bytes = b"") -> None:
        super().__init__(message)
        self.response = response


def is_header_start(first_bytes: bytes) -> bool:
    """Return whether the first bytes, at least one, may begin an LSP header, in any case, rather than HTTP or TLS."""
    lowered_start = first_bytes[: len(_HEADER_START)].lower()
    return _HEADER_START.startswith(lowered_start)


def check_first_message(first_frame: Frame, expected_token: str | None) -> None:
    """Raise RefusedError unless the frame is a readable `initialize`, with the token where one is expected."""
    try:
        message = decode_frame(first_frame)
    except JsonRpcException as error:
        raise RefusedError(error.message) from error
    if not isinstance(message, dict) or message.get("method") != types.INITIALIZE:
        raise RefusedError("its first message is not initialize")
    if expected_token is not None and not hmac.compare_digest(
        _extract_token(message).encode(), expected_token.encode()
    ):
        error_message = f"The token is missing or wrong. Send the server's as initializationOptions.{_OPTION_NAME}."
        error_object = {"code": types.LSPErrorCodes.RequestFailed.value, "message": error_message}
        response = to_frame({"jsonrpc": "2.0", "id": message.get("id"), "error": error_object})
        raise RefusedError("its token is missing or wrong", response)


def remove_token(options: Any) -> Any:
    """Return `initializationOptions` as a copy without the token, which is no setting; non-objects as they are."""
    if not isinstance(options, dict):
        return options
    return {option_name: value for option_name, value in options.items() if option_name != _OPTION_NAME}


def create_token() -> str:
    """Return a new random token of 32 bytes as 43 URL-safe base64 characters; stores nothing."""
    return secrets.token_urlsafe(32)


def check_token(token: str) -> str:
    """Return the token without surrounding blanks. Raises QueryError where it has fewer than 16 characters."""
    token = token.strip()
    if len(token) < _MIN_TOKEN_CHARACTERS:
        raise QueryError(f"The token has fewer than {_MIN_TOKEN_CHARACTERS} characters. Take a longer, random one.")
    return token


def load_or_create_token(token_file: Path) -> str:
    """Return the token in the file; a missing file is created, mode 0600, with a new token. Raises QueryError.

    That is where it can't be read or written, is no small file, is readable by others, or has too short a token.
    """
    try:
        descriptor = os.open(token_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return check_token(_read_private_file(token_file))
    except OSError as error:
        raise QueryError(
            f"{token_file} can't be written ({error.strerror}). Name another file for the token."
        ) from error
    token = create_token()
    with os.fdopen(descriptor, "w", encoding="ascii") as token_stream:
        token_stream.write(f"{token}\n")
    return token


def _read_private_file(token_file: Path) -> str:
    """Return the text of a file of at most 4,096 bytes. Raises QueryError where others can read it, or it is none."""
    try:
        file_status = token_file.stat()
        if not stat.S_ISREG(file_status.st_mode) or file_status.st_size > _MAX_TOKEN_FILE_BYTES:
            raise QueryError(f"{token_file} is no file with a token. Name another, or one that is not there yet.")
        if os.name != "nt" and file_status.st_mode & 0o077:
            raise QueryError(f"Others can read {token_file}. Run: chmod 600 {token_file}")
        return read_file(token_file, _MAX_TOKEN_FILE_BYTES).data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{token_file} can't be read ({error}). Name another file for the token.") from error


def _extract_token(message: dict[str, Any]) -> str:
    """Return the token in an `initialize` message; "" where it has none or it is no string. Never raises."""
    current_value: Any = message
    for key in ("params", "initializationOptions", _OPTION_NAME):
        current_value = current_value.get(key) if isinstance(current_value, dict) else None
    return current_value if isinstance(current_value, str) else ""
