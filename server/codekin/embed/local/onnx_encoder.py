"""Encode texts by ONNX Runtime: a model folder with `model.onnx` in place of safetensors needs no torch.

The graph is that of `codekin train onnx`: token ids and attention mask → pooled vectors. One thread computes, so that
nothing else on the machine waits; the model server (model_server.py) runs it at low priority.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from codekin.embed.local.checkpoint import Checkpoint
from codekin.embed.local.checkpoint_tokenizer import load_tokenizer
from codekin.embed.tasks import PROBE
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError

Floats = NDArray[np.float32]

INPUT_NAMES = ("input_ids", "attention_mask")  # (texts, tokens) each, int64
OUTPUT_NAME = "vectors"  # (texts, hidden size), float32, pooled, not normalized
_ERROR_SEVERITY = 3  # onnxruntime's number; its warnings are about graphs that codekin has made itself


class OnnxEncoder:
    """Encodes texts by the graph of a checkpoint, which stays in memory as long as the object lives. Thread-safe."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Load tokenizer and graph, and encode a probe. Raises ModelError if they are damaged or unsupported."""
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self.device = "cpu, ONNX Runtime, one thread"
        self.problems: tuple[str, ...] = ()
        self._tokenizer = load_tokenizer(checkpoint)
        try:
            self._session = _load_session(str(checkpoint.weights[0]))
            (vector,) = self.encode([PROBE], "")
        except Exception as error:  # the library raises nothing more exact
            problem = f"{checkpoint.folder}: model.onnx, config.json and tokenizer.json do not make one model ({error})"
            raise ModelError(f"{problem}. Export the model again (codekin train onnx).") from error
        if not np.isfinite(vector).all() or not vector.any():
            raise ModelError(f"{checkpoint.folder} has unsound weights. Export the model again (codekin train onnx).")

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """Return raw vectors, float32 (n, dims[-1]), of the texts after `prefix`; zero for a text without tokens."""
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for text_indices, batch_vectors in self.encode_stepwise(texts, prefix):
            vectors[text_indices] = batch_vectors
        return vectors

    def encode_stepwise(self, texts: Sequence[str], prefix: str) -> Iterator[tuple[list[int], Floats]]:
        """Yield ([index], vector (1, d)) text by text; texts without tokens are left out.

        Int8 products scale the numbers of all texts that they are given at once, so that only alone has a text always
        the same vector. Alone it needs no padding, either: on one thread batches of 1,024 tokens are a tenth slower.
        """
        encodings = self._tokenizer.encode_batch([replace_surrogates(prefix + text) for text in texts])
        for index, encoding in enumerate(encodings):
            if encoding.ids:
                yield [index], self._encode_tokens(encoding.ids)

    def _encode_tokens(self, token_ids: Sequence[int]) -> Floats:
        """Return the pooled vector (1, d) of one text's token ids."""
        input_ids = np.array([token_ids], dtype=np.int64)
        inputs = dict(zip(INPUT_NAMES, (input_ids, np.ones_like(input_ids)), strict=True))
        (vectors,) = self._session.run([OUTPUT_NAME], inputs)
        return np.asarray(vectors, dtype=np.float32)


def _load_session(path: str) -> Any:
    """Load the graph to run on one thread of the processor. Raises one of onnxruntime's exceptions."""
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERROR_SEVERITY
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
