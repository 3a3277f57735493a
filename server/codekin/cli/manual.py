"""The manual page, made of the commands' help: `python -m codekin.cli.manual > server/codekin.1`.

The wheel installs that file as `share/man/man1/codekin.1`, where `man codekin` finds it; a test compares the two.
"""

import inspect
from collections.abc import Iterator

import click

from codekin import __version__
from codekin.cli.console import write_code

_EXIT_STATUSES = (
    ("0", "Found, or done."),
    ("1", "Nothing found, or nothing to index; with --strict and --fail-on-new, something found."),
    ("2", "An error, which is explained on standard error."),
    ("130", "Interrupted; what is indexed is kept."),
)
_VARIABLES = (
    ("CODEKIN_CONFIG", "The file of settings. Default: config.toml in the user's configuration folder for codekin."),
    ("CODEKIN_GROUP_KEY", "Any setting, as in CODEKIN_INDEX_WORKERS=2."),
    ("CODEKIN_ENDPOINT_KEY", "The key for the server that the setting model.endpoint names."),
    ("CODEKIN_TCP_TOKEN", "The token that clients of serve --tcp and mcp --http must send."),
    ("CI", "Where it is set, no process is left behind."),
)


def format_manual(program: click.Group) -> str:
    """Return the manual page of the program and all its commands, as man(7) source in ASCII."""
    context = click.Context(program, info_name="codekin", **program.context_settings)
    sections = [
        f'.TH CODEKIN 1 "" "codekin {__version__}" "User Commands"',
        ".SH NAME",
        "codekin \\- find similar code, and code by what it does",
        ".SH SYNOPSIS",
        ".B codekin",
        "[OPTIONS] COMMAND [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_format_paragraphs(program.help or ""),
        ".SH OPTIONS",
        *_format_options(program, context),
        ".SH COMMANDS",
        *_format_commands(program, context),
        ".SH EXIT STATUS",
        *_format_terms(_EXIT_STATUSES),
        ".SH ENVIRONMENT",
        *_format_terms(_VARIABLES),
    ]
    return "\n".join(sections) + "\n"


def _format_commands(group: click.Group, group_context: click.Context) -> Iterator[str]:
    """Yield roff lines of each of the group's commands, and of those below: synopsis, description and options."""
    for command_name in group.list_commands(group_context):
        command = group.get_command(group_context, command_name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, parent=group_context, info_name=command_name)
        yield f".SS {_escape(context.command_path)} {_escape(' '.join(command.collect_usage_pieces(context)))}"
        yield from _format_paragraphs(command.help or "")
        yield from _format_options(command, context)
        if isinstance(command, click.Group):
            yield from _format_commands(command, context)


def _format_options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield roff lines of the command's options with their help; arguments are in the synopsis."""
    option_parameters = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    help_records = [option.get_help_record(context) for option in option_parameters]
    # Click's own help option keeps the names of the first context that asked for it, which may be another's.
    help_names = sorted(command.get_help_option_names(context), key=len)
    help_record = (", ".join(help_names), "Show this message and exit.")
    yield from _format_terms(record for record in (*help_records, help_record) if record is not None)


def _format_terms(terms: "Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]") -> Iterator[str]:
    """Yield roff lines of terms in bold, each with its description."""
    for term, description in terms:
        yield ".TP"
        yield f".B {_escape(term)}"
        yield _escape(description) or "\\&"


def _format_paragraphs(help_text: str) -> Iterator[str]:
    """Yield roff lines of a help text's paragraphs."""
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        yield ".PP"
        yield _escape(" ".join(paragraph.split()))


def _escape(plain_text: str) -> str:
    """Return text as roff source: no character of it is a request or an escape."""
    escaped_text = "".join(_escape_character(character) for character in plain_text)
    return f"\\&{escaped_text}" if escaped_text.startswith((".", "'")) else escaped_text


def _escape_character(character: str) -> str:
    """Return a character as roff source, in ASCII."""
    replacements = {"\\": "\\e", "-": "\\-", "…": "..."}
    return replacements.get(character) or (character if character.isascii() else f"\\[u{ord(character):04X}]")


if __name__ == "__main__":
    from codekin.cli.commands import codekin

    write_code(format_manual(codekin).removesuffix("\n"))
