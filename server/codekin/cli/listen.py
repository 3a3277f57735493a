"""Decide where `serve` listens, and which clients it accepts."""

from pathlib import Path

from codekin.cli.arguments import parse_address
from codekin.cli.console import print_note
from codekin.errors import QueryError
from codekin.lsp.authentication import check_token, create_token, load_or_create_token
from codekin.lsp.connections import ListenAddress, SocketPath, TcpAddress


def choose_endpoint(
    tcp_address: str | None, token_file: Path | None, socket_path: Path | None, *, allow_remote: bool
) -> ListenAddress | None:
    """Return the address to listen on by the options; None for standard input and output. May print a new token."""
    if tcp_address is None and (token_file is not None or allow_remote):
        raise QueryError("--token-file and --allow-remote need --tcp HOST:PORT.")
    if socket_path is not None:
        if tcp_address is not None:
            raise QueryError("--tcp and --socket can't be combined. Choose one.")
        return SocketPath(socket_path.absolute())
    if tcp_address is None:
        return None
    host, port = parse_address(tcp_address)
    instruction = "The client must send this token as initializationOptions.token: "
    return TcpAddress(host, port, load_token(token_file, instruction), may_be_remote=allow_remote)


def load_token(token_file: Path | None, instruction: str) -> str:
    """Return the token of `token_file` (created if missing), else of the environment, else a new one, which is printed.

    `instruction` is printed before a new one: what a client must do with it. Raises QueryError for a short token or an
    unusable file.
    """
    if token_file is not None:
        return load_or_create_token(token_file)
    from codekin.settings import tcp_token

    if environment_token := tcp_token():
        return check_token(environment_token)
    new_token = create_token()
    print_note(f"{instruction}{new_token}")
    return new_token
