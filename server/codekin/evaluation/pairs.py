"""Write a retrieval set of the same programs in several languages as files of a workspace."""

import json
from pathlib import Path

from codekin.code.languages import detect_language
from codekin.evaluation.benchmarks import load_benchmark


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a JSON Lines file, unchecked, blank lines skipped. Raises OSError, ValueError."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def write_passage_files(benchmark: Path, folder: Path) -> Path:
    """Write the set's passages as files below `folder`, which may exist; return it. Raises BenchmarkError."""
    load_benchmark(benchmark)
    for row in read_rows(benchmark / "corpus.jsonl"):
        problem, _, language = row["_id"][1:].partition("-")
        path = folder / f"p{problem}" / f"d{problem}_{language}.{_find_ending(language)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "<?php\n" + row["text"] if language == "php" else row["text"]
        path.write_text(text, "utf-8")
    return folder


def _find_ending(language: str) -> str:
    """Return the file name extension of the language, without a dot. Raises StopIteration for an unknown one."""
    endings = (
        "py",
        "js",
        "ts",
        "java",
        "go",
        "rb",
        "php",
        "kt",
        "cs",
        "cpp",
        "scala",
        "swift",
        "rs",
        "c",
    )
    return next(ending for ending in endings if detect_language(Path(f"x.{ending}")) == language)
