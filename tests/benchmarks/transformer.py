"""How fast a heavy model embeds real functions, beside the naive way and the machine's own peak, in one run.

`python tests/benchmarks/transformer.py [--functions 64] [--rounds 2] [--threads 2] [--sources DIR]`

The model has the shape of jina-code-embeddings-0.5b (24 layers, 896 numbers, 14 heads over 2, 4,864 within) with random
weights, made for the run and thrown away. The naive way is sentence-transformers' encode in float32, 32 functions at a
time as they come. Ways take turns round by round; a way's time is its best. A share of the peak counts what must be
computed: no padding, and the instruction once where it is known afterwards. Where other programs run, compare with
`--threads 1` and by processor time, which is printed beside.
"""

import argparse
import json
import os
import platform
import random
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LAYERS, WIDTH, HEADS, SHARED, SIZE, WIDE = 24, 896, 14, 2, 64, 4864
GFLOP = 2e-9 * LAYERS * (WIDTH * (HEADS + 2 * SHARED) * SIZE + HEADS * SIZE * WIDTH + 3 * WIDTH * WIDE)  # per token
PREFIX = "Candidate code snippet:\n"


@dataclass(slots=True)
class Measured:
    """A way's best times, and what it made."""

    name: str
    run: Callable[[list[str]], np.ndarray]
    numbers: str  # whose peak it is held against
    is_ours: bool = False  # the instruction is computed once, not with each text
    seconds: float = float("inf")
    cpu_seconds: float = float("inf")
    vectors: np.ndarray = field(default_factory=lambda: np.empty(0))

    def measure(self, texts: list[str]) -> None:
        """Embed the texts, and keep the vectors and the least seconds so far."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.vectors = self.run(texts)
        self.seconds = min(self.seconds, time.perf_counter() - wall)
        self.cpu_seconds = min(self.cpu_seconds, time.process_time() - cpu)


def functions(root: Path, count: int) -> list[str]:
    """Return the texts of `count` functions of a folder's Python files, in the order of the files."""
    from codekin.code.extract import extract_snippets
    from codekin.types import SnippetKind

    texts_found: list[str] = []
    for path in sorted(root.glob("*.py")):
        snippets = extract_snippets(path.read_text("utf-8", "replace"), "python")
        texts_found += [
            snippet.text for snippet in snippets if snippet.kind in (SnippetKind.FUNCTION, SnippetKind.METHOD)
        ]
    start = random.Random(1).randrange(max(1, len(texts_found) - count))
    return texts_found[start : start + count]


def write_model(folder: Path, texts: list[str]) -> Path:
    """Write a checkpoint of random bfloat16 weights, with a tokenizer trained on the texts; return its folder."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from embed.checkpoints import SPLIT

    tokenizer = Tokenizer(BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(vocab_size=16_000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<|end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    tokens = tokenizer.get_vocab_size()
    config = {
        "architectures": ["Qwen2Model"],
        "model_type": "qwen2",
        "vocab_size": tokens,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": SHARED,
        "intermediate_size": WIDE,
        "hidden_act": "silu",
        "max_position_embeddings": 32_768,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    tensors = {"embed_tokens.weight": torch.randn(tokens, WIDTH), "norm.weight": torch.ones(WIDTH)}
    for layer_number in range(LAYERS):
        tensors |= {f"layers.{layer_number}.{name}": tensor for name, tensor in _layer(torch).items()}
    save_file(
        {name: tensor_name.bfloat16() for name, tensor_name in tensors.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": layer_number, "name": str(layer_number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for layer_number, (path, kind) in enumerate(steps)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def _layer(torch: "object") -> dict[str, object]:
    """Return the random weights of one layer, by name."""
    inner, outer = HEADS * SIZE, SHARED * SIZE
    sizes = {f"self_attn.{part}_proj": (size, WIDTH) for part, size in zip("qkv", (inner, outer, outer), strict=True)}
    sizes |= {"self_attn.o_proj": (WIDTH, inner), "mlp.gate_proj": (WIDE, WIDTH), "mlp.up_proj": (WIDE, WIDTH)}
    sizes |= {"mlp.down_proj": (WIDTH, WIDE)}
    layer_tensors = {f"{name}.weight": torch.randn(*size) * size[1] ** -0.5 for name, size in sizes.items()}
    layer_tensors |= {f"self_attn.{part}_proj.bias": torch.zeros(sizes[f"self_attn.{part}_proj"][0]) for part in "qkv"}
    layer_tensors |= {f"{part}_layernorm.weight": torch.ones(WIDTH) for part in ("input", "post_attention")}
    return layer_tensors


def ways(folder: Path) -> Iterator[Measured]:
    """Load each way to embed when it is asked for, and yield it."""
    from sentence_transformers import SentenceTransformer

    from codekin.embed.embedder import load_transformer
    from codekin.settings import ModelSettings

    naive = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": "float32"})
    naive.max_seq_length = 512

    def naively(texts: list[str]) -> np.ndarray:
        batches = (texts[position : position + 32] for position in range(0, len(texts), 32))
        return np.concatenate([naive.encode(batch, prompt=PREFIX, batch_size=32) for batch in batches])

    yield Measured("sentence-transformers, float32, 32 as they come", naively, "float32")
    yield Measured("the same, one at a time", lambda texts: naive.encode(texts, prompt=PREFIX, batch_size=1), "float32")
    for precision in ("float32", "bfloat16", "int8"):
        model = load_transformer(ModelSettings(str(folder), precision=precision, device="cpu"))
        yield Measured(
            f"codekin, {model.device}", lambda texts, model=model: model.encode(texts, PREFIX), precision, True
        )


def peaks(seconds: Callable[[], float]) -> dict[str, float]:
    """Return number format → GFLOP/s of the largest layer's product for 512 tokens, the best of six runs."""
    import torch

    from codekin.embed.local.transformer.linear import make_linear

    peak_rates = {}
    weight = torch.randn(2 * WIDE, WIDTH)
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16), ("int8", torch.bfloat16)):
        layer, rows = make_linear(weight.to(dtype), None, int8=name == "int8"), torch.randn(512, WIDTH, dtype=dtype)
        if name == "int8":  # the product alone
            rows = torch.randint(0, 255, rows.shape, dtype=torch.uint8)
            operands = (rows, 1.0, 128, layer._weight, layer._scales, layer._zeros, None, 1.0, 0, dtype, "none", [], "")
            run = lambda operands=operands: torch.ops.onednn.qlinear_pointwise(*operands)  # noqa: E731
        else:
            run = lambda layer=layer, rows=rows: layer(rows)  # noqa: E731
        best = float("inf")
        with torch.inference_mode():
            for _ in range(6):
                started = seconds()
                run()
                best = min(best, seconds() - started)
        peak_rates[name] = 2e-9 * 512 * weight.numel() / best
    return peak_rates


def processor() -> str:
    """Return the processor's name, and which instructions for small numbers it has."""
    try:
        cpu_fields = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    except OSError:
        return platform.processor()
    cpu_fields = {key.strip(): value.strip() for key, value in cpu_fields.items()}
    flags = [flag for flag in cpu_fields.get("flags", "").split() if flag in ("amx_bf16", "avx512_bf16", "avx512_vnni")]
    return " ".join([cpu_fields.get("model name", ""), "family", cpu_fields.get("cpu family", ""), *flags])


def main() -> None:
    """Make the model, measure all ways, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    parser.add_argument("--sources", type=Path, default=Path(sysconfig.get_path("stdlib")))
    parser.add_argument("--folder", type=Path, help="where to make the model, and to keep it for the next run")
    options = parser.parse_args()
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    everything = functions(options.sources, 10**6)
    texts = functions(options.sources, options.functions)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        if not (folder / "1_Pooling" / "config.json").exists():
            write_model(folder, everything)
        table(folder, texts, options.rounds)


def table(folder: Path, texts: list[str], rounds: int) -> None:
    """Measure all ways round by round, and print the table."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(512)
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch([PREFIX + text for text in texts])]
    tokens = sum(lengths)
    opening = _opening(tokenizer)
    once = tokens - opening * (len(texts) - 1)  # what is left to compute where the instruction is computed once
    print(
        f"{len(texts)} functions, {tokens} tokens with instruction, {min(lengths)} to {max(lengths)} each; "
        f"{once} where the instruction's {opening} are computed once"
    )
    threads, load = torch.get_num_threads(), os.getloadavg()[0]
    print(f"{GFLOP:.3f} GFLOP a token; torch {torch.__version__}, {threads} threads, {processor()}, load {load:.1f}")
    measured = list(ways(folder))
    for _ in range(rounds):
        for way in measured:
            way.measure(texts)
            print(f"  {way.name}: {way.seconds:.1f} s, {way.cpu_seconds:.1f} s of processors", flush=True)
    wall, cpu = peaks(time.perf_counter), peaks(time.process_time)
    first = measured[0]
    exact = first.vectors / np.linalg.norm(first.vectors, axis=1, keepdims=True)
    head = "functions/s | × naive | by processor time | share of its numbers' peak | by processor time | least cosine"
    print(f"\n| way | {head} |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way in measured:
        rows = way.vectors / np.linalg.norm(way.vectors, axis=1, keepdims=True)
        computed = GFLOP * (once if way.is_ours else tokens)
        shares = [computed / took / peak[way.numbers] for took, peak in ((way.seconds, wall), (way.cpu_seconds, cpu))]
        ratios = first.seconds / way.seconds, first.cpu_seconds / way.cpu_seconds
        print(
            f"| {way.name} | {len(texts) / way.seconds:.2f} | {ratios[0]:.1f} | {ratios[1]:.1f} | {shares[0]:.0%} | "
            f"{shares[1]:.0%} | {float((rows * exact).sum(1).min()):.5f} |"
        )
    print(
        "\npeaks: "
        + ", ".join(f"{name} {rate:.0f} GFLOP/s ({cpu[name]:.0f} by processor time)" for name, rate in wall.items())
    )
    print("one alone, ms (ms of processors): " + "; ".join(_alone(way, texts) for way in measured[2:]))


def _opening(tokenizer: "Tokenizer") -> int:
    """How many tokens all texts begin with."""
    first, second = (tokenizer.encode(PREFIX + text).ids for text in ("def", "1"))
    return next(
        position
        for position, (first_token, second_token) in enumerate(zip(first, second, strict=False))
        if first_token != second_token
    )


def _alone(way: Measured, texts: list[str]) -> str:
    """One function's, and one question's, time."""
    function, question = (
        sorted(texts, key=len)[len(texts) // 2],
        "where is the configuration file of the user read and checked",
    )
    vectors_alone = []
    for text in (function, question):
        best = [float("inf")] * 2
        for number in range(5):
            wall, cpu = time.perf_counter(), time.process_time()
            way.run([f"{number} {text}"])  # another text each time, for the same one's keys and values are known
            best = [min(best[0], time.perf_counter() - wall), min(best[1], time.process_time() - cpu)]
        vectors_alone.append(f"{best[0] * 1e3:.0f} ({best[1] * 1e3:.0f})")
    return f"{way.name}: function {vectors_alone[0]}, question {vectors_alone[1]}"


if __name__ == "__main__":
    main()
