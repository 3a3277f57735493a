"""`codekin doctor`: the command. What is looked at is in doctor.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codekin.cli.params import DEBUG, JSON, ROOT

if TYPE_CHECKING:
    from codekin.cli.findings import Finding
    from codekin.settings import Settings


@click.command()
@click.option("--conformance", is_flag=True, help="Hold the Jina models' vectors against their cards' figures instead.")
@ROOT
@JSON
@DEBUG
def doctor(root: Path | None, as_json: bool, conformance: bool) -> int:
    """Look whether all is well, and say what to do where it is not.

    At the installation, the model, the machine, and whether the index finds what is in it.
    """
    from dataclasses import asdict

    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.doctor import run_checks
    from codekin.cli.findings import Level
    from codekin.settings import user_settings

    settings, problems = user_settings()
    if conformance:
        findings = list(_conforming(settings))
    else:
        findings = list(run_checks(root or find_root(Path.cwd()), settings, problems))
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        console.write_json({"sound": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        console.show_findings(findings)
    return 2 if failed else 0


def _conforming(settings: "Settings") -> Iterator["Finding"]:
    """Each model in float32, as its card computes, and in the numbers that it runs with."""
    from dataclasses import replace

    from codekin.cli.findings import Finding, Level
    from codekin.errors import ModelError
    from codekin.evaluation.conformance import REFERENCES, measure_conformance

    for name in REFERENCES:
        for precision in dict.fromkeys(("float32", settings.model.precision)):
            try:
                found = measure_conformance(name, replace(settings.model, precision=precision))
            except ModelError as error:
                yield Finding(name, Level.WARN, "not held against its card", str(error))
                break
            measured, expected = found.measured.round(4).tolist(), found.expected.tolist()
            told = f"{found.model} on {found.device}: {measured}, the card {expected}"
            if found.is_within_tolerance:
                yield Finding(name, Level.OK, f"{told}, differing by {found.max_difference:.4f} at most")
            else:
                remedy = "Download it again (codekin model pull); if that does not help, please report this line."
                yield Finding(name, Level.FAIL, f"{told}, differing by {found.max_difference:.4f}", remedy)
