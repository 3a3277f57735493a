"""`codekin mcp`: answers coding agents over the Model Context Protocol."""

import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codekin.cli.params import DEBUG, FILE, ROOT
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.agents.workspace_paths import WorkspaceChoice


@click.command()
@ROOT
@click.option("--http", metavar="HOST:PORT", help="Listen on this loopback address instead of standard input.")
@click.option("--token-file", metavar="FILE", type=FILE, help="With --http: file with the token; created if missing.")
@DEBUG
def mcp(root: Path | None, http: str | None, token_file: Path | None) -> int:
    """Run the server for coding agents (normally started by the agent).

    It speaks the Model Context Protocol. The workspace is --root, else what the client names, else the enclosing
    repository. With --http, clients must send the token as a bearer token; it is read from CODEKIN_TCP_TOKEN or FILE;
    without both, a new one is printed to standard error.
    """
    from codekin.cli.arguments import require_package

    require_package("mcp", "mcp")
    if http is None and token_file is not None:
        raise QueryError("--token-file needs --http HOST:PORT.")
    from codekin.agents.workspace_paths import WorkspaceChoice

    default_root = root or _find_default_root()
    if http is not None:
        if default_root is None:
            raise QueryError("There is no workspace here. Run this inside a project, or pass --root DIR.")
        _serve_http(WorkspaceChoice(default_root.resolve(), None), http, token_file)
        return 0
    workspace = WorkspaceChoice(root.resolve() if root else None, default_root)
    if sys.stdin.isatty():
        from codekin.cli.console import print_note

        print_note("This is a server for coding agents: it expects one on standard input. Press Ctrl-C to stop it.")
    from codekin.agents.stdio import serve_stdio

    serve_stdio(workspace)
    return 0


def _serve_http(workspace: "WorkspaceChoice", http_address: str, token_file: Path | None) -> None:
    """Serve agents at HOST:PORT, an address of this machine alone, until interrupted. Raises QueryError for others."""
    from codekin.agents.http_server import HTTP_PATH, open_listener, serve_http
    from codekin.cli.arguments import parse_address
    from codekin.cli.console import print_note
    from codekin.cli.listen import load_token

    host, port = parse_address(http_address)
    if host != "localhost" and not _is_loopback(host):
        raise QueryError(f"{host} can be reached by other machines. Listen on 127.0.0.1.")
    bearer_token = load_token(token_file, "Clients must send this header: Authorization: Bearer ")
    listener = open_listener(host, port)
    shown_host = f"[{host}]" if ":" in host else host
    print_note(f"Listening on http://{shown_host}:{listener.getsockname()[1]}{HTTP_PATH}")
    serve_http(workspace, listener, bearer_token)


def _is_loopback(host: str) -> bool:
    """Return whether the host is a loopback IP address; False for any name, even localhost."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _find_default_root() -> Path | None:
    """Return the workspace of the current folder; None where it is too wide to index, or gone."""
    from codekin.cli.arguments import find_root

    with suppress(QueryError, OSError):
        return find_root(Path.cwd().resolve())
    return None
