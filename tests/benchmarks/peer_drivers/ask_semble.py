"""Index a tree with semble, or ask its index; runs in semble's own environment.

python ask_semble.py index MODEL TREE
python ask_semble.py ask MODEL TREE QUESTIONS ANSWERS
"""

import gc
import json
import sys
import time
from pathlib import Path

from semble import SembleIndex
from semble.cache import save_index_to_cache


def main() -> None:
    """Index a tree by semble, or answer a file's questions, write answers and times, and wait for the end of input."""
    action, model, tree, *files = sys.argv[1:]
    began = time.perf_counter()
    index = SembleIndex.from_path(tree, model_path=model)
    if action == "index":
        save_index_to_cache(index, tree)
        return
    questions = json.loads(Path(files[0]).read_text("utf-8"))
    index.search(questions[0])
    first_answer_s = time.perf_counter() - began
    seconds, hits = [], []
    for question in questions:
        began = time.perf_counter()
        results = index.search(question, top_k=10)
        seconds.append(time.perf_counter() - began)
        hits.append([[result.chunk.file_path, result.chunk.start_line, result.chunk.end_line] for result in results])
    gc.collect()
    answers = {"seconds": seconds, "hits": hits, "first_answer_s": first_answer_s, "snippets": len(index.chunks)}
    Path(files[1]).write_text(json.dumps(answers), "utf-8")
    sys.stdin.read()  # idle, until memory has been read


if __name__ == "__main__":
    main()
