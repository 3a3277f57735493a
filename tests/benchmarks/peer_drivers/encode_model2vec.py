"""Encode texts with model2vec; runs in semble's environment: `python encode_model2vec.py MODEL TEXTS`.

Prints the seconds of processor time.
"""

import json
import sys
import time
from pathlib import Path

from model2vec import StaticModel


def main() -> None:
    """Embed a file's texts by model2vec, and print the processor seconds."""
    model = StaticModel.from_pretrained(sys.argv[1])
    texts = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    model.encode(texts[:100], use_multiprocessing=False, max_length=None)
    began = time.process_time()
    model.encode(texts, use_multiprocessing=False, max_length=None)
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
