"""Run a command, and report whatever goes wrong in one line that names the remedy."""

import io
import logging
import sys
from pathlib import Path

import click

from codekin.cli.commands import EXIT_FOUND, codekin
from codekin.errors import CodekinError
from codekin.printable import PrintableFormatter, printable_lines

_EXIT_ERROR, _EXIT_INTERRUPTED = 2, 130
_EXIT_HOOK_ERROR = 1  # coding agents take 2 from a hook as the refusal of a change


def main() -> None:
    """Run the command of sys.argv and exit with its status; an error is printed in one line that names the remedy."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # code may hold what the terminal's encoding does not
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    sys.exit(_run_command())


def _run_command() -> int:
    """Run the command and return its exit status; print any error; with --debug, re-raise an unexpected one."""
    output_stream = sys.stdout
    try:
        return codekin.main(standalone_mode=False) or EXIT_FOUND
    except SystemExit:
        if sys.stdout is output_stream:
            raise
        return EXIT_FOUND  # click replaces the stream where the reader, such as head, has read enough
    except click.ClickException as error:
        message_stream = io.StringIO()
        error.show(message_stream)
        _print_error(message_stream.getvalue().rstrip("\n"))
        return _report_failure(error.format_message())
    except click.Abort as error:  # click's own for Ctrl-C
        message = f"Interrupted. {error.__cause__ or ''}".strip()
        _print_error(message)
        return _report_failure(message, _EXIT_INTERRUPTED)
    except CodekinError as error:
        _print_error(f"Error: {error}")
        return _report_failure(str(error))
    except Exception as error:
        if _has_option("--debug"):
            raise
        message = (
            f"{type(error).__name__}: {error}. This is a bug in codekin: please report it with the output of --debug."
        )
        if _is_current_folder_gone():
            message = "The current folder was removed. Go into another one."
        _print_error(f"Error: {message}")
        return _report_failure(message)


def _is_current_folder_gone() -> bool:
    """Return whether the process's current folder has been removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _print_error(message: str) -> None:
    """Print an error to standard error, with control characters escaped."""
    click.echo(printable_lines(message), err=True)


def _report_failure(message: str, status: int = _EXIT_ERROR) -> int:
    """Return the exit status of a failed command, 1 for a hook; before, with --json only, print {"error": message}."""
    if _has_option("--json"):
        from codekin.cli.console import write_json

        write_json({"error": message})
    return _EXIT_HOOK_ERROR if status == _EXIT_ERROR and _has_option("--hook") else status


def _has_option(option: str) -> bool:
    """Return whether the option is in the command line before `--`, even where that can't be parsed."""
    arguments = sys.argv[1:]
    option_names = [argument.partition("=")[0] for argument in arguments]
    return option in (option_names[: arguments.index("--")] if "--" in arguments else option_names)
