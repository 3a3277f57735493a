"""Print groups of duplicated functions: as text, Markdown, JSON, or SARIF 2.1.0 for code scanning."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from codekin import __version__
from codekin.cli import console
from codekin.cli.query import to_relative_path
from codekin.printable import printable

if TYPE_CHECKING:
    from codekin.duplicates.functions import FunctionCopy
    from codekin.duplicates.groups import DuplicateGroup, GroupMember

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "identical": "The function stands elsewhere, comments and formatting aside.",
    "renamed": "The function stands elsewhere with other names or literals.",
    "edited": "The function stands elsewhere with small changes.",
}
_MARKDOWN_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-!|"})


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """What is said beside the groups."""

    root: Path
    compared: int  # functions
    uncompared_files: dict[str, int]  # by language without a grammar


def group_to_text(group: "DuplicateGroup") -> str:
    """Return the group as a heading and a line per function, `path:line: name (why)`, printable, without a line end."""
    lines = [_describe_group(group)]
    for member in group.members:
        why = f" ({member.why})" if member.why else ""
        place = f"{console.display_path(member.function.path)}:{member.function.row + 1}"
        lines.append(f"  {place}: {printable(member.function.qualified_name)}{printable(why)}")
    return "\n".join(lines)


def _describe_group(group: "DuplicateGroup") -> str:
    """Return a group's heading: how many functions, their kinship, and the lines that one of them would save."""
    count = console.format_count(len(group.members), "function")
    return f"{count}, {group.kinship}: one of them would save {console.format_count(group.saved_lines, 'line')}"


def group_to_markdown(group: "DuplicateGroup", root: Path) -> str:
    """Return the group as a heading and a list, with paths relative to `root`; names are escaped."""
    lines = [f"#### {_describe_group(group)}", ""]
    for member in group.members:
        place = f"{to_relative_path(member.function.path, root)}:{member.function.row + 1}"
        why = f" ({member.why})" if member.why else ""
        lines.append(f"- {_to_markdown(place)} {_to_markdown(member.function.qualified_name)}{_to_markdown(why)}")
    return "\n".join([*lines, ""])


def _to_markdown(text: str) -> str:
    """Return the text printable, with Markdown's special characters escaped."""
    return printable(text).translate(_MARKDOWN_SPECIAL)


def report_to_json(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups, which are consumed, as the document of `--json`, with lines from 1."""
    return {
        "duplicates": [_group_to_json(group, report.root) for group in groups],
        "compared": report.compared,
        "not_compared": [{"language": name, "files": count} for name, count in report.uncompared_files.items()],
    }


def _group_to_json(group: "DuplicateGroup", root: Path) -> dict[str, Any]:
    """Return a group for JSON, with its functions in order, the kinship and the lines that one would save."""
    return {
        "functions": [_member_to_json(member, root) for member in group.members],
        "kinship": group.kinship,
        "why": group.why,
        "saved_lines": group.saved_lines,
    }


def _member_to_json(member: "GroupMember", root: Path) -> dict[str, Any]:
    """Return a function of a group for JSON, with lines from 1, inclusive, and the path relative to `root`."""
    function = member.function
    return {
        "path": to_relative_path(function.path, root),
        "line": function.row + 1,
        "start_line": function.span.start + 1,
        "end_line": function.span.end,
        "name": function.qualified_name,
        "kinship": member.kinship,
        "why": member.why,
    }


def report_to_sarif(groups: Iterable["DuplicateGroup"], report: DuplicateReport) -> dict[str, Any]:
    """Return all groups as one SARIF log: a result per group, at its model, with the others as related locations."""
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    driver = {"name": "codekin", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {"ROOT": {"uri": f"{report.root.as_uri()}/"}},
        "columnKind": "utf16CodeUnits",
        "results": [_group_to_result(group, report.root) for group in groups],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _group_to_result(group: "DuplicateGroup", root: Path) -> dict[str, Any]:
    """Return a group as a SARIF result at its first function, with a fingerprint of names that survives moved lines."""
    first, *others = (member.function for member in group.members)
    links = ", ".join(f"[{_escape_link(other.qualified_name)}]({number})" for number, other in enumerate(others))
    names = "\n".join(sorted(f"{to_relative_path(it.path, root)}::{it.qualified_name}" for it in (first, *others)))
    return {
        "ruleId": str(group.kinship),
        "ruleIndex": list(_RULES).index(group.kinship),
        "level": "warning",
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
