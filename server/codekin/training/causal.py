"""A small language model from nothing: `codekin train causal`, the first half of the paper's way in miniature.

A decoder learns to go on with source code, token by token; `contrastive` makes an embedder of it. It is of the kind
Qwen3: transformers 5 splits words as the large Qwen2 does for all models of its kind, whatever their tokenizer says.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from codekin.code.languages import detect_language, has_grammar
from codekin.embed.tasks import PREFIXES
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError
from codekin.training.corpus import BlockList, list_sources
from codekin.training.training_loop import Measures, TrainingFolders, TrainingPlan, TrainingTask, run_training

log = logging.getLogger(__name__)
END = "<|endoftext|>"
_SAMPLED = 2000  # files the vocabulary is learned from
_HELD_BLOCKS = 64
_EVEN = 0.1  # of 1: how much a token minds which others it sees, at first
# How large a row's numbers are at first, and the norms' epsilon, far above their square: norms then hardly change how
# long rows are relative to each other, and a row's length is how much its word matters.
_SMALL = 0.01


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """The decoder: codekin-small's smallest."""

    vocabulary: int = 16_384
    layers: int = 4
    width: int = 256
    heads: int = 4
    shared: int = 4  # of them, how many have keys and values of their own
    wide: int = 768  # of the feed-forward layers
    positions: int = 512
    rows: str = ""  # a static model's folder: its pieces and their vectors are what the decoder begins with


@dataclass(frozen=True, slots=True)
class CausalRecipe:
    """What a step sees."""

    files: int = 50_000  # at most, drawn from all
    batch: int = 32  # blocks
    block: int = 128  # tokens
    bf16: bool = True


@dataclass(frozen=True, slots=True)
class CausalCorpus:
    """What is learned from."""

    folder: Path  # of source trees
    block_list: Path | None  # repositories that must not be among them


def train_causal(
    corpus: CausalCorpus, shape: DecoderShape, recipe: CausalRecipe, plan: TrainingPlan, folders: TrainingFolders
) -> None:
    """Learn a language and write the model's folder."""
    work, out = folders.work, folders.out
    work.mkdir(parents=True, exist_ok=True)
    tokenizer, tokens = prepare_tokens(corpus, recipe.files, shape, work)
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = initialize_model(_config(shape, tokenizer), shape.rows).to(device).train()
    language = NextTokenObjective(model, tokens, recipe, plan.seed)
    log.info("%d parameters, %d tokens, on %s", sum(p.numel() for p in model.parameters()), len(tokens), device)
    determined = {**asdict(shape), **asdict(recipe), **plan.weight_settings(), "tokens": len(tokens)}
    curve = run_training(model, plan, TrainingTask(language.backward, language.measure_held_out, determined), work)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    wrapper: Any = PreTrainedTokenizerFast
    wrapped = wrapper(tokenizer_object=tokenizer, eos_token=END, pad_token=END, model_max_length=shape.positions)
    wrapped.save_pretrained(out)
    (out / "training.json").write_text(json.dumps({"recipe": determined, "curve": curve}, indent=1) + "\n", "utf-8")


def prepare_tokens(
    corpus: CausalCorpus, most: int, shape: DecoderShape, work: Path
) -> tuple[Tokenizer, NDArray[np.uint16]]:
    """The vocabulary and the tokens of at most so many source files, one after the other; kept in `work`."""
    vocabulary, kept = work / "tokenizer.json", work / "tokens.npy"
    if kept.exists():
        return Tokenizer.from_file(str(vocabulary)), np.load(kept, mmap_mode="r")
    found = list_sources(corpus.folder, BlockList(corpus.block_list))
    files = [path for path in found if has_grammar(detect_language(path) or "")]
    if not files:
        raise ModelError(f"There is no source code below {corpus.folder}. Name a folder that has some.")
    files = Random(0).sample(files, min(most, len(files)))  # noqa: S311 -- sampling, not secrets
    tokenizer = (
        learn_tokenizer(_texts(files[:_SAMPLED]), shape.vocabulary) if not shape.rows else list_pieces(shape.rows)
    )
    tokenizer.save(str(vocabulary))
    partial = work / "tokens.partial.npy"
    np.save(partial, np.concatenate([np.array(tokenizer.encode(text).ids, dtype=np.uint16) for text in _texts(files)]))
    partial.replace(kept)
    return tokenizer, np.load(kept, mmap_mode="r")


def _texts(files: list[Path]) -> Iterator[str]:
    for path in files:
        yield path.read_text("utf-8", "replace")


def learn_tokenizer(texts: Iterator[str], size: int) -> Tokenizer:
    """Byte-level BPE within words; at most 65,536 rows."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = _normalizer()
    pieces = pre_tokenizers.Split(Regex(r"[a-z]+|\d|_|[^\sa-z\d_]+"), "isolated")
    between = pre_tokenizers.Split(Regex(r"[\s_]+"), "removed")
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, between, bytewise])
    trainer = BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(replace_surrogates, texts), trainer)
    return _ended(tokenizer)


def list_pieces(rows: str) -> Tokenizer:
    """The pieces of a static model, told apart in running text as it does; brackets and quotes are nothing to it."""
    tokenizer = Tokenizer.from_file(str(Path(rows) / "tokenizer.json"))
    tokenizer.normalizer = _normalizer()
    operators = "+*/%&|^~<>=!?-"
    between = pre_tokenizers.Split(Regex(rf"(?:[^\w{operators}]|_)+"), "removed")
    pieces = pre_tokenizers.Split(Regex(rf"[a-z]+|\d+|[{operators}]+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([between, pieces])
    # An instruction is one token: as words, ten in each text, it would outweigh what a question says.
    tokenizer.add_special_tokens([END, *dict.fromkeys(PREFIXES.values())])
    return _ended(tokenizer)


def _normalizer() -> normalizers.Normalizer:
    """Names are split where people read a border, and case is dropped: one row learns `name` in getName, NAME, my_name.

    For a small model this is most of what there is to win.
    """
    borders = Regex(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
    return normalizers.Sequence([normalizers.Replace(borders, " "), normalizers.Lowercase()])


def _ended(tokenizer: Tokenizer) -> Tokenizer:
    """Each text ends in a token of its own, whose state sums it up."""
    end = tokenizer.token_to_id(END)
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {END}", special_tokens=[(END, end)])
    return tokenizer


def _config(shape: DecoderShape, tokenizer: Tokenizer) -> Qwen3Config:
    end = tokenizer.token_to_id(END)
    return Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.width,
        intermediate_size=shape.wide,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.shared,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=shape.positions,
        rms_norm_eps=_SMALL,
        tie_word_embeddings=True,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )


def initialize_model(config: Qwen3Config, rows: str) -> Qwen3ForCausalLM:
    """A decoder that has learned nothing, but already lets each token know the mean of those before it.

    Queries begin near zero, so attention is even; the last layer's values and outputs begin as the identity. A text's
    last state is then much like a bag of its words. With a static model's rows, nothing else adds to it at first, and
    it is much like that model's vector: a small corpus is enough to go on from there.
    """
    model = Qwen3ForCausalLM(config)
    last = model.model.layers[-1].self_attn
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_norm.weight.fill_(_EVEN)
            if rows:
                layer.self_attn.o_proj.weight.zero_()
                layer.mlp.down_proj.weight.zero_()
        for matrix in (last.v_proj.weight, last.o_proj.weight):
            matrix.copy_(torch.eye(*matrix.shape))
        if rows:
            given = torch.from_numpy(_rows(Path(rows), config.hidden_size))
            model.model.embed_tokens.weight.zero_()
            model.model.embed_tokens.weight[: len(given)] = given * (_SMALL / given.square().mean().sqrt())
    return model


def _rows(folder: Path, width: int) -> NDArray[np.float32]:
    """A static model's vectors (pieces, width) as it weighs them, over all instructions. Raises ModelError."""
    try:
        table, factors = np.load(folder / "table.npy"), np.load(folder / "factors.npy")
        dims = json.loads((folder / "model.json").read_text("utf-8"))["dims"]
        pieces = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} has no static model ({error}). Name a folder that `train embedded` wrote."
        ) from error
    if width not in dims:
        raise ModelError(f"{folder} has no rows of {width} numbers. Choose --width {' or '.join(map(str, dims))}.")
    weighed = table[0, :pieces, :width] * factors.mean(axis=0)[:pieces, None]
    return np.asarray(weighed, dtype=np.float32)


class NextTokenObjective:
    """What a step teaches: the next token of blocks from anywhere in the corpus, its end aside."""

    def __init__(self, model: Any, tokens: NDArray[np.uint16], recipe: CausalRecipe, seed: int) -> None:
        self._model, self._tokens, self._recipe, self._seed = model, tokens, recipe, seed
        self._end = len(tokens) - _HELD_BLOCKS * recipe.block
        if self._end <= recipe.block:
            raise ModelError(f"{len(tokens)} tokens are too few to learn a language from. Bring more source code.")

    def backward(self, step: int) -> float:
        """Fills the gradients; the loss in nats a token."""
        starts = np.random.default_rng((self._seed, step)).integers(
            0, self._end - self._recipe.block, self._recipe.batch
        )
        loss = self._loss(starts)
        loss.backward()
        return loss.item()

    @torch.inference_mode()
    def measure_held_out(self) -> Measures:
        """The loss on the corpus's end, which is not learned from."""
        return {"held": self._loss(self._end + np.arange(_HELD_BLOCKS) * self._recipe.block).item()}

    def _loss(self, starts: NDArray[np.int64]) -> Tensor:
        blocks = self._tokens[starts[:, None] + np.arange(self._recipe.block)].astype(np.int64)
        device = next(self._model.parameters()).device
        ids = torch.from_numpy(blocks).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._recipe.bf16):
            logits = self._model(input_ids=ids, use_cache=False).logits
        return functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten())
