"""Map (task, role) to the instruction prefix for one of the five retrieval tasks.

Source: jina-code-embeddings, arXiv 2508.21290, table 1. Each prefix ends in a newline, and the text follows.
"""

from collections.abc import Mapping

from codekin.types import Role, Task

Prefixes = Mapping[tuple[Task, Role], str]

PROBE = "def add(a, b):\n    return a + b"  # embedded by every model, to check that it is sound and still the same

_CODE_PASSAGE_PREFIX = "Candidate code snippet:\n"

PREFIXES: Prefixes = {
    (Task.NL2CODE, Role.QUERY): "Find the most relevant code snippet given the following query:\n",
    (Task.NL2CODE, Role.PASSAGE): _CODE_PASSAGE_PREFIX,
    (Task.QA, Role.QUERY): "Find the most relevant answer given the following question:\n",
    (Task.QA, Role.PASSAGE): "Candidate answer:\n",
    (Task.CODE2CODE, Role.QUERY): "Find an equivalent code snippet given the following code snippet:\n",
    (Task.CODE2CODE, Role.PASSAGE): _CODE_PASSAGE_PREFIX,
    (Task.CODE2NL, Role.QUERY): "Find the most relevant comment given the following code snippet:\n",
    (Task.CODE2NL, Role.PASSAGE): "Candidate comment:\n",
    (Task.CODE2COMPLETION, Role.QUERY): (
        "Find the most relevant completion given the following start of code snippet:\n"
    ),
    (Task.CODE2COMPLETION, Role.PASSAGE): "Candidate completion:\n",
}


def find_prefix(task: Task, role: Role) -> str:
    """Return the instruction before a text of this task and role; nl2code and code2code share their passages'."""
    return PREFIXES[task, role]
