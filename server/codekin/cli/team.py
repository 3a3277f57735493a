"""`codekin team`: fill and serve a shared index of a team's repositories."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, FILE, JSON
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.team.access import Authenticator, RightsProvider
    from codekin.team.catalogue import Catalogue
    from codekin.team.keyring import Keyring
    from codekin.team.repository_update import IngestSummary

_INDEX = click.option(
    "--index",
    "uri",
    metavar="URI",
    required=True,
    help="The engine: postgresql://HOST/DATABASE, http://HOST:19530 (Milvus), or FILE.db (Milvus Lite).",
)
_KEY = click.option(
    "--key", metavar="FILE", type=FILE, help="The team's secret key. Default: team.key beside the settings."
)
_EXIT_PROBLEM = 1


@click.group()
def team() -> None:
    """Fill, serve and check a shared index of a team's repositories.

    Install it with: pip install "codekin[team]". Users of a gateway need only codekin and two settings.
    """


@team.command()
@click.option(
    "--repositories",
    metavar="FILE|DIR",
    type=FILE,
    required=True,
    help="A folder of clones, or a file with one a line: folder, and after tabs a name and a branch.",
)
@click.option("--to", "uri", metavar="URI", required=True, help="The engine, as --index of the other commands.")
@click.option("--model", metavar="M", help="Embed with this model. Default: the embedded one.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes. Default: one per processor.")
@click.option("--ray/--no-ray", default=False, help="Work in Ray's processes. Default: plain processes here.")
@click.option("--ray-address", metavar="HOST:PORT", help="A Ray cluster. Default: one that is started here.")
@click.option("--watch", type=click.FloatRange(1), metavar="SECONDS", help="Fetch and ingest again, for ever.")
@_KEY
@JSON
@DEBUG
def ingest(repositories: Path, uri: str, as_json: bool, **options: Any) -> int:
    """Bring the index up to date with the default branches of clones.

    What is unchanged is skipped, what is known is not embedded again, and what was interrupted goes on.
    """
    from codekin.cli import console
    from codekin.team.session import IngestOptions, run_ingest

    summaries: list[IngestSummary] = []
    with console.show_progress_bar("Ingesting") as on_progress:
        for summary in run_ingest(repositories, uri, IngestOptions(**options), on_progress):
            summaries.append(summary)
            if not as_json:
                _show_summary(summary)
    if as_json:
        from dataclasses import asdict

        console.write_json({"repositories": [asdict(summary) for summary in summaries]})
    return _EXIT_PROBLEM if any(summary.error for summary in summaries) else 0


@team.command()
@_INDEX
@click.option("--access", metavar="FILE", type=FILE, help="Users, their tokens and repositories (TOML).")
@click.option("--rights-command", metavar="COMMAND", help="Ask this program for a user's repositories instead.")
@click.option("--oidc-issuer", metavar="URL", help="Accept this OpenID Connect issuer's tokens instead of the file's.")
@click.option("--oidc-audience", metavar="NAME", help="With --oidc-issuer: whom its tokens must be for.")
@click.option("--oidc-claim", metavar="NAME", default="sub", show_default=True, help="Claim with the user's name.")
@click.option("--forge", type=click.Choice(["github", "gitlab", "gitea"]), help="Users and rights are this forge's.")
@click.option("--forge-url", metavar="URL", help="With --forge: its API. Default: github.com's or gitlab.com's.")
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8790", show_default=True, help="Where to listen.")
@click.option("--rate", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Requests a second and user.")
@_KEY
@DEBUG
def gateway(uri: str, key: Path | None, listen: str, rate: float, **access: Any) -> int:
    """Answer the team's questions, each user's by what she may read.

    It speaks HTTP: let a proxy in front of it speak TLS.
    """
    import logging

    from codekin.cli.arguments import parse_address, require_package

    for package_name in ("starlette", "uvicorn", "prometheus_client"):
        require_package(package_name, "team")
    from codekin.cli.console import print_note
    from codekin.team.gateway import Gateway, open_gateway_listener, serve_gateway
    from codekin.team.gateway_search import GatewaySearch
    from codekin.team.rate_limit import RateLimit

    authenticator, rights_provider = _choose_access(**access)
    with _open_catalogue(uri, key) as (catalogue, keyring):
        gateway_search = GatewaySearch(catalogue, keyring)
        gateway_search.warm_up()
        listener = open_gateway_listener(*parse_address(listen))
        logging.getLogger("codekin.team.gateway").setLevel(logging.INFO)
        application = Gateway(gateway_search, authenticator, rights_provider, RateLimit(rate, max(int(3 * rate), 1)))
        print_note(f"Answering from {catalogue.index.description} on http://{listen}. Stop with Ctrl-C.")
        serve_gateway(application, listener)
    return 0


@team.command()
@_INDEX
@_KEY
@JSON
@DEBUG
def status(uri: str, key: Path | None, as_json: bool) -> int:
    """Show what the index has: repositories, contents, models."""
    from codekin.cli import console
    from codekin.team.session import describe_index

    with _open_catalogue(uri, key) as (catalogue, _):
        document = describe_index(catalogue)
    if as_json:
        console.write_json(document)
        return 0
    console.write(f"{document['engine']}, schema version {document['schema']}")
    for space in document["spaces"]:
        state = "searched" if space["is_active"] else "for former clients" if space["is_searched"] else "not searched"
        console.write(f"{space['contents']:,} contents, vectors of {space['dim']} numbers, {state}: {space['space']}")
    for repository in document["repositories"]:
        console.write(f"{repository['name']}  {repository['commit'][:12]}  {repository['state']}")
    return 0


@team.command()
@_INDEX
@_KEY
@JSON
@DEBUG
def doctor(uri: str, key: Path | None, as_json: bool) -> int:
    """Check the shared index from end to end, and suggest fixes."""
    from codekin.cli import console
    from codekin.team.session import check_index

    with _open_catalogue(uri, key) as (catalogue, _):
        findings = check_index(catalogue)
    if as_json:
        console.write_json({"sound": not findings, "findings": findings})
    else:
        for finding in findings or ["Everything is sound."]:
            console.write(finding)
    return _EXIT_PROBLEM if findings else 0


@team.command()
@click.argument("repository")
@_INDEX
@_KEY
@JSON
@DEBUG
def forget(repository: str, uri: str, key: Path | None, as_json: bool) -> int:
    """Remove a repository from the index, and all that only it has."""
    from codekin.cli import console
    from codekin.team.repository_sets import RepositorySets

    with _open_catalogue(uri, key) as (catalogue, _), catalogue.index.lock_ingest():
        removed_count = RepositorySets(catalogue).forget(repository)
    if as_json:
        console.write_json({"repository": repository, "removed": removed_count})
    else:
        console.write(
            f"{repository} is forgotten, with {console.format_count(removed_count, 'content')} that only it had."
        )
    return 0


@team.command()
@click.argument("space")
@_INDEX
@_KEY
@JSON
@DEBUG
def drop(space: str, uri: str, key: Path | None, as_json: bool) -> int:
    """Delete a model's vectors, unless they are what is searched.

    SPACE is their name, as codekin team status shows it. Clients that still have that model get no more hits and no
    more vectors; to ingest with it makes the vectors anew.
    """
    from codekin.cli import console

    with _open_catalogue(uri, key) as (catalogue, _), catalogue.index.lock_ingest():
        catalogue.drop_space(space)
    if as_json:
        console.write_json({"space": space})
    else:
        console.write(f"The vectors of {space} are deleted.")
    return 0


@team.command()
@click.argument("user")
@DEBUG
def token(user: str) -> int:
    """Print a new token for a user, and the lines of the access file that admit it.

    The token goes to the user, as team.token; only its hash is in the file.
    """
    import hashlib
    import json
    import secrets

    from codekin.cli.console import print_note, write

    new_token = secrets.token_urlsafe(32)
    print_note(f"Token of {user}, shown only here: {new_token}")
    write(f"[users.{json.dumps(user)}]")
    write(f'token_sha256 = "{hashlib.sha256(new_token.encode()).hexdigest()}"')
    write('repositories = ["*"]')
    return 0


@contextmanager
def _open_catalogue(index_uri: str, key_file: Path | None) -> "Iterator[tuple[Catalogue, Keyring]]":
    """Context with an open index that has been filled, and its keyring; it is closed at the end. Raises TeamError."""
    from codekin.team.session import open_catalogue

    with open_catalogue(index_uri, key_file, create=False) as opened:
        yield opened


def _choose_access(
    access: Path | None, rights_command: str | None, forge: str | None, forge_url: str | None, **oidc: str | None
) -> "tuple[Authenticator, RightsProvider]":
    """Return authenticator and rights provider as the options say: a file's, a forge's, an issuer's or a command's.

    Raises QueryError where the options name none or too many, TeamError where a file or issuer can't be read.
    """
    import shlex

    from codekin.team.access import AccessFile, CommandRights
    from codekin.team.forge_access import ForgeAccess

    if forge:
        if access or rights_command or oidc["oidc_issuer"]:
            raise QueryError("--forge tells users and rights: leave out --access, --rights-command and --oidc-issuer.")
        forge_access = ForgeAccess(forge, forge_url or "")
        return forge_access, forge_access
    access_file = AccessFile(access) if access else None
    authenticator = _choose_issuer(**oidc) or access_file
    rights_provider = CommandRights(shlex.split(rights_command)) if rights_command else access_file
    if authenticator is None or rights_provider is None:
        raise QueryError("Pass --access FILE, --forge KIND, or both --oidc-issuer and --rights-command.")
    return authenticator, rights_provider


def _choose_issuer(
    oidc_issuer: str | None, oidc_audience: str | None, oidc_claim: str | None
) -> "Authenticator | None":
    """Return what checks an issuer's tokens, after asking the issuer where its keys are; None without one.

    Raises QueryError where an option or PyJWT is missing, TeamError where the issuer can't be asked.
    """
    if bool(oidc_issuer) != bool(oidc_audience):
        raise QueryError("--oidc-issuer and --oidc-audience need each other.")
    if not oidc_issuer:
        return None
    from codekin.cli.arguments import require_package
    from codekin.team.access import OidcAuthenticator

    require_package("jwt", "team")
    return OidcAuthenticator(oidc_issuer, oidc_audience or "", oidc_claim or "sub")


def _show_summary(summary: "IngestSummary") -> None:
    """Print the summary of one repository's ingest in a line; its error, if any, as a warning to standard error."""
    from codekin.cli import console

    if summary.error:
        console.print_note(f"Warning: {summary.error}")
    elif summary.is_unchanged:
        console.write(f"{summary.repository}: unchanged at {summary.commit[:12]}")
    else:
        snippet_rate = summary.snippets / summary.seconds if summary.seconds else 0.0
        skipped_note = f", {sum(summary.skipped.values()):,} files without code" if summary.skipped else ""
        console.write(
            f"{summary.repository}: {summary.files:,} files, {summary.cut:,} cut into {summary.snippets:,} snippets, "
            f"{summary.embedded:,} embedded, {summary.removed:,} removed{skipped_note}; "
            f"{summary.seconds:.1f} s, {snippet_rate:,.0f} snippets/s"
        )
    sys.stdout.flush()
