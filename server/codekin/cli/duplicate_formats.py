"""Print groups of duplicated functions: as text, Markdown, JSON, or SARIF 2.1.0 for code scanning."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from codekin import __version__
from codekin.cli import console
from codekin.printable import printable
from codekin.resident.documents import to_relative_path

if TYPE_CHECKING:
    from codekin.duplicates.finder import DuplicateSearch
    from codekin.duplicates.functions import FunctionCopy
    from codekin.duplicates.groups import DuplicateGroup

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "identical": "The function stands elsewhere, comments and formatting aside.",
    "renamed": "The function stands elsewhere with other names or literals.",
    "edited": "The function stands elsewhere with small changes.",
}
_MARKDOWN_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-!|"})


@dataclass(slots=True)
class DuplicateReport:
    """The search, and what is counted as its groups are formatted."""

    root: Path
    search: "DuplicateSearch"
    new_count: int = 0  # groups with a function that was no duplicate at the base revision

    def judge_group(self, group: "DuplicateGroup") -> bool:
        """Return whether the group is new since the base revision, and add it to `new_count` if so."""
        is_new = self.search.is_new(group)
        self.new_count += is_new
        return is_new

    def describe_state(self, function: "FunctionCopy") -> str:
        """Return `, new` or `, changed` of a function; "" without a base revision, and of an unchanged one."""
        changes = self.search.changes
        return f", {changes.states[function]}" if changes and function in changes.states else ""


def group_to_text(group: "DuplicateGroup", report: DuplicateReport) -> str:
    """Return the group, counted if new, as a heading and a line per function, `path:line: name`."""
    lines = [_describe_group(group, report)]
    for member in group.members:
        why = f" ({member.why})" if member.why else ""
        state = report.describe_state(member.function)
        place = f"{console.display_path(member.function.path)}:{member.function.row + 1}"
        lines.append(f"  {place}: {printable(member.function.qualified_name)}{printable(why)}{state}")
    return "\n".join(lines)


def _describe_group(group: "DuplicateGroup", report: DuplicateReport) -> str:
    """Return the heading of a group, which is counted if new: size, kinship and saved lines."""
    prefix = "New: " if report.judge_group(group) else ""
    count = console.format_count(len(group.members), "function")
    return f"{prefix}{count}, {group.kinship}: one of them would save {console.format_count(group.saved_lines, 'line')}"


def group_to_markdown(group: "DuplicateGroup", report: DuplicateReport) -> str:
    """Return the group, counted if new, as a Markdown heading and list."""
    lines = [f"#### {_describe_group(group, report)}", ""]
    for member in group.members:
        state = report.describe_state(member.function)
        place = f"{to_relative_path(member.function.path, report.root)}:{member.function.row + 1}"
        why = f" ({member.why})" if member.why else ""
        lines.append(
            f"- {_to_markdown(place)} {_to_markdown(member.function.qualified_name)}{_to_markdown(why)}{state}"
        )
    return "\n".join([*lines, ""])


def _to_markdown(text: str) -> str:
    """Return the text printable, with Markdown's special characters escaped."""
    return printable(text).translate(_MARKDOWN_SPECIAL)


def describe_drifts(report: DuplicateReport) -> Iterator[str]:
    """Yield a line for each set of functions that were identical at the base revision and were not edited alike."""
    changes = report.search.changes
    for drift in changes.drifts if changes else ():
        first, *_ = drift.changed
        total = len(drift.changed) + len(drift.unchanged)
        others = ", ".join(
            f"{console.display_path(it.path)}:{it.row + 1} {printable(it.qualified_name)}" for it in drift.unchanged
        )
        place = f"{console.display_path(first.path)}:{first.row + 1}: {printable(first.qualified_name)}"
        rest = f"; unchanged: {others}" if others else ", each in another way"
        yield f"Drift: {place}: {len(drift.changed)} of {total} functions that were identical were changed{rest}"


def report_to_json(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups as the document of `--json`."""
    search = report.search
    document: dict[str, Any] = {
        "duplicates": [_group_to_json(group, report) for group in groups],
        "compared": search.function_count,
        "not_compared": [{"language": name, "files": count} for name, count in search.uncompared_files.items()],
    }
    if search.changes is not None:
        document["base"] = search.changes.commit
        document["drift"] = [
            {
                "changed": [_function_to_json(function, report.root) for function in drift.changed],
                "unchanged": [_function_to_json(function, report.root) for function in drift.unchanged],
            }
            for drift in search.changes.drifts
        ]
    return document


def _group_to_json(group: "DuplicateGroup", report: DuplicateReport) -> dict[str, Any]:
    """Return the group, counted if new, for JSON."""
    changes = report.search.changes
    functions = []
    for member in group.members:
        state = {"state": changes.state_of(member.function)} if changes else {}
        alike = {"kinship": member.kinship, "why": member.why}
        functions.append(_function_to_json(member.function, report.root) | alike | state)
    is_new = {"new": report.judge_group(group)} if changes else {}
    return {
        "functions": functions,
        "kinship": group.kinship,
        "why": group.why,
        "saved_lines": group.saved_lines,
    } | is_new


def _function_to_json(function: "FunctionCopy", root: Path) -> dict[str, Any]:
    """Return the function's place and name for JSON, with 1-based, inclusive lines and a path below `root`."""
    return {
        "path": to_relative_path(function.path, root),
        "line": function.row + 1,
        "start_line": function.span.start + 1,
        "end_line": function.span.end,
        "name": function.qualified_name,
    }


def report_to_sarif(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups as one SARIF log: a result per group, at its model, with the others as related locations."""
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    driver = {"name": "codekin", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {"ROOT": {"uri": f"{report.root.as_uri()}/"}},
        "columnKind": "utf16CodeUnits",
        "results": [_group_to_result(group, report) for group in groups],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _group_to_result(group: "DuplicateGroup", report: DuplicateReport) -> dict[str, Any]:
    """Return the group, counted if new, as a SARIF result; new or changed functions come first."""
    root, changes = report.root, report.search.changes
    functions = [member.function for member in group.members]
    if changes:  # what the person has just written comes first
        functions.sort(key=lambda function: function not in changes.states)
    first, *others = functions
    links = ", ".join(f"[{_escape_link(other.qualified_name)}]({number})" for number, other in enumerate(others))
    names = "\n".join(sorted(f"{to_relative_path(it.path, root)}::{it.qualified_name}" for it in (first, *others)))
    return {
        "ruleId": str(group.kinship),
        "ruleIndex": list(_RULES).index(group.kinship),
        "level": "warning" if changes is None or report.judge_group(group) else "note",
        "message": {"text": f"{_escape_link(first.qualified_name)} stands elsewhere: {links} ({group.why})"},
        "locations": [_to_location(first, root)],
        "relatedLocations": [
            _to_location(other, root) | {"id": number, "message": {"text": printable(other.qualified_name)}}
            for number, other in enumerate(others)
        ],
        "partialFingerprints": {"functions/v1": sha256(names.encode("utf-8", "surrogatepass")).hexdigest()},
        "properties": {"savedLines": group.saved_lines},
    }


def _to_location(function: "FunctionCopy", root: Path) -> dict[str, Any]:
    """Return a function's whole lines as a SARIF location, relative to `root` where it is in it, else absolute."""
    if function.path.is_relative_to(root):
        relative_path = to_relative_path(function.path, root)
        artifact = {"uri": quote(relative_path, errors="surrogatepass"), "uriBaseId": "ROOT"}
    else:
        artifact = {"uri": function.path.as_uri()}
    region = {"startLine": function.span.start + 1, "endLine": function.span.end}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _escape_link(text: str) -> str:
    """Return a name without the characters that begin or end links in SARIF's messages."""
    return printable(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
