"""`codekin doctor`: the command. The checks are in doctor.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codekin.cli.params import DEBUG, JSON, ROOT

if TYPE_CHECKING:
    from codekin.cli.findings import Finding
    from codekin.settings import Settings


@click.command()
@click.option(
    "--conformance", is_flag=True, help="Compare the Jina models' vectors with the values on their model cards instead."
)
@ROOT
@JSON
@DEBUG
def doctor(root: Path | None, as_json: bool, conformance: bool) -> int:
    """Check the installation and the index, and suggest fixes.

    Also checks the model and the machine, and whether the index finds what is in it.
    """
    from dataclasses import asdict

    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.doctor import check_index, run_checks
    from codekin.cli.findings import Finding, Level
    from codekin.errors import QueryError
    from codekin.settings import load_user_settings

    settings, problems = load_user_settings()
    if conformance:
        findings = list(_check_conformance(settings))
    else:
        findings = list(run_checks(settings, problems))
        try:
            findings += check_index(root or find_root(Path.cwd()), settings)
        except QueryError as error:  # an installation is checked anywhere
            findings.append(Finding("index", Level.OK, "not checked: there is no project here.", str(error)))
    has_failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        console.write_json({"sound": not has_failed, "findings": [asdict(finding) for finding in findings]})
    else:
        console.show_findings(findings)
    return 2 if has_failed else 0


def _check_conformance(settings: "Settings") -> Iterator["Finding"]:
    """Yield a finding per reference model and precision: do its vectors equal its model card's? WARN if not here."""
    from dataclasses import replace

    from codekin.cli.findings import Finding, Level
    from codekin.errors import ModelError
    from codekin.evaluation.conformance import REFERENCES, measure_conformance

    for model_name in REFERENCES:
        for precision in dict.fromkeys(("float32", settings.model.precision)):
            try:
                conformance = measure_conformance(model_name, replace(settings.model, precision=precision))
            except ModelError as error:
                yield Finding(model_name, Level.WARN, "not compared with its model card", str(error))
                break
            measured, expected = conformance.measured.round(4).tolist(), conformance.expected.tolist()
            comparison = f"{conformance.model} on {conformance.device}: {measured}, model card {expected}"
            if conformance.is_within_tolerance:
                yield Finding(
                    model_name, Level.OK, f"{comparison}; largest difference {conformance.max_difference:.4f}"
                )
            else:
                remedy = "Download it again (codekin model pull); if that does not help, report this line as a bug."
                yield Finding(
                    model_name, Level.FAIL, f"{comparison}; largest difference {conformance.max_difference:.4f}", remedy
                )
