"""What did the person type, and what do they see? The commands; no logic that an editor would need, too."""

from codekin.isolation import harden


def main() -> None:
    """Run the command. Nothing else is imported before the current folder is off the import path."""
    harden()
    from codekin.cli.run import main as run_command

    run_command()
