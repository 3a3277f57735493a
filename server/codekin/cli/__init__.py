"""The command line: everything a person types, and all that they see."""

from codekin.isolation import harden


def main() -> None:
    """Run the command; nothing else is imported before the current folder is out of reach."""
    harden()
    from codekin.cli.commands import main as run_command

    run_command()
