"""The command line: everything a person types, and all that they see."""

from codekin.cli.commands import main as main
