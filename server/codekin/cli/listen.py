"""Where `serve` is told to listen, and who may come."""

from pathlib import Path

from codekin.cli.arguments import parse_address
from codekin.cli.console import print_note
from codekin.errors import QueryError
from codekin.lsp.authentication import check_token, create_token, load_or_create_token
from codekin.lsp.connections import ListenAddress, SocketPath, TcpAddress


def listening(
    tcp: str | None, token_file: Path | None, path: Path | None, *, allow_remote: bool
) -> ListenAddress | None:
    """Return what the options say; None: standard input and output. Raises QueryError."""
    if tcp is None and (token_file is not None or allow_remote):
        raise QueryError("--token-file and --allow-remote are for --tcp HOST:PORT, which is missing.")
    if path is not None:
        if tcp is not None:
            raise QueryError("--tcp and --socket exclude each other. Leave one out.")
        return SocketPath(path.absolute())
    if tcp is None:
        return None
    host, port = parse_address(tcp)
    return TcpAddress(host, port, _token(token_file), may_be_remote=allow_remote)


def _token(file: Path | None) -> str:
    if file is not None:
        return load_or_create_token(file)
    from codekin.settings import tcp_token

    if told := tcp_token():
        return check_token(told)
    token = create_token()
    print_note(f"The client must send this as initializationOptions.token: {token}")
    return token
