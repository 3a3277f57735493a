"""Ask codekin's index of a tree through the engine, as `codekin search` and the server do.

python ask_codekin.py TREE QUESTIONS ANSWERS
"""

import gc
import json
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event

from codekin.cli.query import load_settings
from codekin.engine import Engine


def main() -> None:
    """Answer the questions of a file by codekin, write answers and times to another, and wait for the end of input."""
    tree, questions_path, answers_path = map(Path, sys.argv[1:])
    questions = json.loads(questions_path.read_text("utf-8"))
    began = time.perf_counter()
    with closing(Engine([tree], load_settings())) as engine:
        report = engine.refresh(lambda _: None, Event(), workers=1)
        engine.search(questions[0], 10)
        first_answer_s = time.perf_counter() - began
        seconds, hits = [], []
        for question in questions:
            began = time.perf_counter()
            answer = engine.search(question, 10)
            seconds.append(time.perf_counter() - began)
            hits.append(
                [
                    [hit.place.path.relative_to(tree).as_posix(), hit.place.span.start + 1, hit.place.span.end]
                    for hit in answer.hits
                ]
            )
        gc.collect()
        answers = {"seconds": seconds, "hits": hits, "first_answer_s": first_answer_s, "snippets": report.snippets}
        answers_path.write_text(json.dumps(answers), "utf-8")
        sys.stdin.read()  # idle, until memory has been read


if __name__ == "__main__":
    main()
