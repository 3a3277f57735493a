"""What did the person type, and what do they see? The commands; no logic that an editor would need, too."""

from codekin.isolation import harden_process


def main() -> None:
    """Run the command line and exit with its status. The current folder is taken off the import path first."""
    harden_process()
    from codekin.cli.run import main as run_command

    run_command()
