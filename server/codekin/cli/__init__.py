"""What did the person type, and what do they see? The commands; no logic that an editor would need, too."""

from codekin.isolation import harden_process


def main() -> None:
    """Run the command line and exit (SystemExit) with its status; first take the current folder off the import path."""
    harden_process()
    from codekin.cli.run import main as run_command

    run_command()
