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
    """Return the group as a heading and a line per function, `path:line: name`; if new, count it in the report."""
    lines = [_describe_group(group, report)]
    for member in group.members:
        why_note = f" ({member.why})" if member.why else ""
        state_note = report.describe_state(member.function)
        location = f"{console.display_path(member.function.path)}:{member.function.row + 1}"
        lines.append(f"  {location}: {printable(member.function.qualified_name)}{printable(why_note)}{state_note}")
    return "\n".join(lines)


def _describe_group(group: "DuplicateGroup", report: DuplicateReport) -> str:
    """Return the heading of a group: size, kinship and saved lines; if the group is new, count it in the report."""
    new_prefix = "New: " if report.judge_group(group) else ""
    function_count = console.format_count(len(group.members), "function")
    saved_lines = console.format_count(group.saved_lines, "line")
    return f"{new_prefix}{function_count}, {group.kinship}: one of them would save {saved_lines}"


def group_to_markdown(group: "DuplicateGroup", report: DuplicateReport) -> str:
    """Return the group as a Markdown heading and list; if new, count it in the report."""
    markdown_lines = [f"#### {_describe_group(group, report)}", ""]
    for member in group.members:
        state_note = report.describe_state(member.function)
        location = f"{to_relative_path(member.function.path, report.root)}:{member.function.row + 1}"
        why_note = f" ({member.why})" if member.why else ""
        markdown_lines.append(
            f"- {_to_markdown(location)} {_to_markdown(member.function.qualified_name)}"
            f"{_to_markdown(why_note)}{state_note}"
        )
    return "\n".join([*markdown_lines, ""])


def _to_markdown(plain_text: str) -> str:
    """Return the text printable, with Markdown's special characters escaped."""
    return printable(plain_text).translate(_MARKDOWN_SPECIAL)


def describe_drifts(report: DuplicateReport) -> Iterator[str]:
    """Yield a line for each set of functions that were identical at the base revision and were not edited alike."""
    changes = report.search.changes
    for drift in changes.drifts if changes else ():
        first_function, *_ = drift.changed
        function_count = len(drift.changed) + len(drift.unchanged)
        unchanged_functions = ", ".join(
            f"{console.display_path(function.path)}:{function.row + 1} {printable(function.qualified_name)}"
            for function in drift.unchanged
        )
        location = f"{console.display_path(first_function.path)}:{first_function.row + 1}"
        function_name = printable(first_function.qualified_name)
        rest_note = f"; unchanged: {unchanged_functions}" if unchanged_functions else ", each in another way"
        share = f"{len(drift.changed)} of {function_count} functions that were identical"
        yield f"Drift: {location}: {function_name}: {share} were changed{rest_note}"


def report_to_json(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups and drifts as a dict for `--json`; count new groups in the report."""
    duplicate_search = report.search
    document: dict[str, Any] = {
        "duplicates": [_group_to_json(group, report) for group in groups],
        "compared": duplicate_search.function_count,
        "not_compared": [
            {"language": language, "files": file_count}
            for language, file_count in duplicate_search.uncompared_files.items()
        ],
    }
    if duplicate_search.changes is not None:
        document["base"] = duplicate_search.changes.commit
        document["drift"] = [
            {
                "changed": [_function_to_json(function, report.root) for function in drift.changed],
                "unchanged": [_function_to_json(function, report.root) for function in drift.unchanged],
            }
            for drift in duplicate_search.changes.drifts
        ]
    return document


def _group_to_json(group: "DuplicateGroup", report: DuplicateReport) -> dict[str, Any]:
    """Return the group as a dict for JSON; if new, count it in the report."""
    changes = report.search.changes
    functions = []
    for member in group.members:
        state = {"state": changes.state_of(member.function)} if changes else {}
        kinship_entry = {"kinship": member.kinship, "why": member.why}
        functions.append(_function_to_json(member.function, report.root) | kinship_entry | state)
    new_entry = {"new": report.judge_group(group)} if changes else {}
    return {
        "functions": functions,
        "kinship": group.kinship,
        "why": group.why,
        "saved_lines": group.saved_lines,
    } | new_entry


def _function_to_json(function: "FunctionCopy", workspace_root: Path) -> dict[str, Any]:
    """Return the function's place and name as a dict for JSON: 1-based, inclusive lines, path below the root."""
    return {
        "path": to_relative_path(function.path, workspace_root),
        "line": function.row + 1,
        "start_line": function.span.start + 1,
        "end_line": function.span.end,
        "name": function.qualified_name,
    }


def report_to_sarif(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups as one SARIF log, a dict, each at its first function; count new ones in the report."""
    sarif_rules = [{"id": rule_id, "shortDescription": {"text": rule_text}} for rule_id, rule_text in _RULES.items()]
    tool_driver = {"name": "codekin", "semanticVersion": __version__, "rules": sarif_rules}
    sarif_run = {
        "tool": {"driver": tool_driver},
        "originalUriBaseIds": {"ROOT": {"uri": f"{report.root.as_uri()}/"}},
        "columnKind": "utf16CodeUnits",
        "results": [_group_to_result(group, report) for group in groups],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [sarif_run]}


def _group_to_result(group: "DuplicateGroup", report: DuplicateReport) -> dict[str, Any]:
    """Return the group as a SARIF result, a dict, changed functions first; if new, count it in the report."""
    workspace_root, changes = report.root, report.search.changes
    functions = [member.function for member in group.members]
    if changes:  # what the person has just written comes first
        functions.sort(key=lambda function: function not in changes.states)
    first_function, *other_functions = functions
    first_name = _escape_link(first_function.qualified_name)
    function_links = ", ".join(
        f"[{_escape_link(other_function.qualified_name)}]({link_id})"
        for link_id, other_function in enumerate(other_functions)
    )
    function_names = "\n".join(
        sorted(
            f"{to_relative_path(function_copy.path, workspace_root)}::{function_copy.qualified_name}"
            for function_copy in (first_function, *other_functions)
        )
    )
    return {
        "ruleId": str(group.kinship),
        "ruleIndex": list(_RULES).index(group.kinship),
        "level": "warning" if changes is None or report.judge_group(group) else "note",
        "message": {"text": f"{first_name} stands elsewhere: {function_links} ({group.why})"},
        "locations": [_to_location(first_function, workspace_root)],
        "relatedLocations": [
            _to_location(other_function, workspace_root)
            | {"id": link_id, "message": {"text": printable(other_function.qualified_name)}}
            for link_id, other_function in enumerate(other_functions)
        ],
        "partialFingerprints": {"functions/v1": sha256(function_names.encode("utf-8", "surrogatepass")).hexdigest()},
        "properties": {"savedLines": group.saved_lines},
    }


def _to_location(function: "FunctionCopy", workspace_root: Path) -> dict[str, Any]:
    """Return a function's whole lines as a SARIF location, a dict: relative to the root if in it, else absolute."""
    if function.path.is_relative_to(workspace_root):
        relative_path = to_relative_path(function.path, workspace_root)
        artifact = {"uri": quote(relative_path, errors="surrogatepass"), "uriBaseId": "ROOT"}
    else:
        artifact = {"uri": function.path.as_uri()}
    line_region = {"startLine": function.span.start + 1, "endLine": function.span.end}
    return {"physicalLocation": {"artifactLocation": artifact, "region": line_region}}


def _escape_link(link_text: str) -> str:
    """Return a name printable, with backslashes before the characters that begin or end links in SARIF."""
    return printable(link_text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
