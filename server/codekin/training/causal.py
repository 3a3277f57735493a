"""Train a small language model from scratch: `codekin train causal`.

A decoder learns to predict the next token of source code; `contrastive` then makes an embedder of it, as the paper does
on a larger scale. Its architecture is Qwen3's, for transformers 5 gives all Qwen2 models the pre-tokenizer of the large
one, whatever their tokenizer says.
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

logger = logging.getLogger(__name__)
END_TOKEN = "<|endoftext|>"  # noqa: S105 -- a token of text
_MAX_VOCABULARY_FILES = 2000  # files to learn the vocabulary from
_HELD_OUT_BLOCKS = 64
_INITIAL_QUERY_NORM = 0.1  # far below 1, so that attention is almost even at first
# Root mean square of the initial embedding rows, and the norms' epsilon, which is far above its square: norms then
# hardly change the relative lengths of rows, and a row's length is its word's importance.
_INITIAL_ROW_SCALE = 0.01


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """The size of the decoder. The defaults are those of the smallest model."""

    vocabulary: int = 16_384
    layers: int = 4
    width: int = 256
    heads: int = 4
    shared: int = 4  # key-value heads
    wide: int = 768  # intermediate size of the MLPs
    positions: int = 512
    rows: str = ""  # a static model's folder, whose pieces and vectors the decoder starts from; "": none


@dataclass(frozen=True, slots=True)
class CausalRecipe:
    """The number of files and the size of the batches."""

    files: int = 50_000  # at most, sampled from all
    batch: int = 32  # blocks
    block: int = 128  # tokens
    bf16: bool = True


@dataclass(frozen=True, slots=True)
class CausalCorpus:
    """The folder of source code to learn from, and the repositories to exclude."""

    folder: Path  # of source trees
    block_list: Path | None  # repositories to exclude


def train_causal(
    corpus: CausalCorpus, shape: DecoderShape, recipe: CausalRecipe, plan: TrainingPlan, folders: TrainingFolders
) -> None:
    """Train a language model, resuming from `folders.work`, and write it to `folders.out`. Raises ModelError.

    That is where there is too little source code, or the work folder is of another recipe.
    """
    work_folder, model_folder = folders.work, folders.out
    work_folder.mkdir(parents=True, exist_ok=True)
    tokenizer, tokens = prepare_tokens(corpus, recipe.files, shape, work_folder)
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = initialize_model(_make_config(shape, tokenizer), shape.rows).to(device).train()
    objective = NextTokenObjective(model, tokens, recipe, plan.seed)
    logger.info(
        "%d parameters, %d tokens, on %s",
        sum(parameter.numel() for parameter in model.parameters()),
        len(tokens),
        device,
    )
    identity = {**asdict(shape), **asdict(recipe), **plan.weight_settings(), "tokens": len(tokens)}
    measure_curve = run_training(
        model, plan, TrainingTask(objective.backward, objective.measure_held_out, identity), work_folder
    )
    model_folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(model_folder)
    tokenizer_class: Any = PreTrainedTokenizerFast
    fast_tokenizer = tokenizer_class(
        tokenizer_object=tokenizer, eos_token=END_TOKEN, pad_token=END_TOKEN, model_max_length=shape.positions
    )
    fast_tokenizer.save_pretrained(model_folder)
    (model_folder / "training.json").write_text(
        json.dumps({"recipe": identity, "curve": measure_curve}, indent=1) + "\n", "utf-8"
    )


def prepare_tokens(
    corpus: CausalCorpus, max_files: int, shape: DecoderShape, work_folder: Path
) -> tuple[Tokenizer, NDArray[np.uint16]]:
    """Return tokenizer and tokens (n,) of at most `max_files` files; cached in `work_folder`, whatever the arguments.

    The tokens are a memory map. Raises ModelError where there is no source code.
    """
    vocabulary_path, tokens_path = work_folder / "tokenizer.json", work_folder / "tokens.npy"
    if tokens_path.exists():
        return Tokenizer.from_file(str(vocabulary_path)), np.load(tokens_path, mmap_mode="r")
    source_paths = list_sources(corpus.folder, BlockList(corpus.block_list))
    source_files = [source_path for source_path in source_paths if has_grammar(detect_language(source_path) or "")]
    if not source_files:
        raise ModelError(f"There is no source code below {corpus.folder}. Name a folder that has some.")
    source_files = Random(0).sample(source_files, min(max_files, len(source_files)))  # noqa: S311 -- sampling, not secrets
    tokenizer = (
        learn_tokenizer(_read_texts(source_files[:_MAX_VOCABULARY_FILES]), shape.vocabulary)
        if not shape.rows
        else load_static_tokenizer(shape.rows)
    )
    tokenizer.save(str(vocabulary_path))
    partial = work_folder / "tokens.partial.npy"
    np.save(
        partial,
        np.concatenate([np.array(tokenizer.encode(text).ids, dtype=np.uint16) for text in _read_texts(source_files)]),
    )
    partial.replace(tokens_path)
    return tokenizer, np.load(tokens_path, mmap_mode="r")


def _read_texts(files: list[Path]) -> Iterator[str]:
    """Yield the whole text of each file, invalid UTF-8 replaced. Raises OSError."""
    for source_path in files:
        yield source_path.read_text("utf-8", "replace")


def learn_tokenizer(texts: Iterator[str], vocabulary_size: int) -> Tokenizer:
    """Learn a byte-level BPE within words from the texts, and return it; ids are below `vocabulary_size`."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = _make_normalizer()
    split_pieces = pre_tokenizers.Split(Regex(r"[a-z]+|\d|_|[^\sa-z\d_]+"), "isolated")
    drop_separators = pre_tokenizers.Split(Regex(r"[\s_]+"), "removed")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split_pieces, drop_separators, byte_level])
    trainer = BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[END_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(replace_surrogates, texts), trainer)
    return _add_end_token(tokenizer)


def load_static_tokenizer(static_folder: str) -> Tokenizer:
    """Return a tokenizer of a static model's pieces, which splits running text as that does, with special tokens."""
    tokenizer = Tokenizer.from_file(str(Path(static_folder) / "tokenizer.json"))
    tokenizer.normalizer = _make_normalizer()
    operators = "+*/%&|^~<>=!?-"
    drop_separators = pre_tokenizers.Split(Regex(rf"(?:[^\w{operators}]|_)+"), "removed")
    split_pieces = pre_tokenizers.Split(Regex(rf"[a-z]+|\d+|[{operators}]+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([drop_separators, split_pieces])
    # Each instruction is one token: as words, ten in each text, it would outweigh the question itself.
    tokenizer.add_special_tokens([END_TOKEN, *dict.fromkeys(PREFIXES.values())])
    return _add_end_token(tokenizer)


def _make_normalizer() -> normalizers.Normalizer:
    """Return a normalizer that splits names at case borders and lower-cases: getName and NAME share `name`.

    This brings most of a small model's gain.
    """
    word_borders = Regex(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
    return normalizers.Sequence([normalizers.Replace(word_borders, " "), normalizers.Lowercase()])


def _add_end_token(tokenizer: Tokenizer) -> Tokenizer:
    """Make the tokenizer, in place, end each text in an end token, whose state summarises it, and return it."""
    end_id = tokenizer.token_to_id(END_TOKEN)
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {END_TOKEN}", special_tokens=[(END_TOKEN, end_id)])
    return tokenizer


def _make_config(shape: DecoderShape, tokenizer: Tokenizer) -> Qwen3Config:
    """Return the configuration of a Qwen3 decoder of this shape, for the tokenizer's vocabulary."""
    end_id = tokenizer.token_to_id(END_TOKEN)
    return Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.width,
        intermediate_size=shape.wide,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.shared,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=shape.positions,
        rms_norm_eps=_INITIAL_ROW_SCALE,
        tie_word_embeddings=True,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
    )


def initialize_model(config: Qwen3Config, static_folder: str) -> Qwen3ForCausalLM:
    """Return an untrained decoder that averages the tokens so far; vectors random or static. Raises ModelError.

    Queries begin near zero, so attention is even; the last layer's values and outputs begin as the identity. A text's
    last state is then close to a bag of its words. With a static model's rows, nothing else adds to it at first: it is
    close to that model's vector, and a small corpus is enough to train from there.
    """
    model = Qwen3ForCausalLM(config)
    last_attention = model.model.layers[-1].self_attn
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_norm.weight.fill_(_INITIAL_QUERY_NORM)
            if static_folder:
                layer.self_attn.o_proj.weight.zero_()
                layer.mlp.down_proj.weight.zero_()
        for matrix in (last_attention.v_proj.weight, last_attention.o_proj.weight):
            matrix.copy_(torch.eye(*matrix.shape))
        if static_folder:
            static_rows = torch.from_numpy(_load_static_rows(Path(static_folder), config.hidden_size))
            model.model.embed_tokens.weight.zero_()
            model.model.embed_tokens.weight[: len(static_rows)] = static_rows * (
                _INITIAL_ROW_SCALE / static_rows.square().mean().sqrt()
            )
    return model


def _load_static_rows(static_folder: Path, hidden_size: int) -> NDArray[np.float32]:
    """Return a static model's vectors (pieces, hidden size), weighted by their mean factors. Raises ModelError."""
    try:
        table, factors = np.load(static_folder / "table.npy"), np.load(static_folder / "factors.npy")
        dims = json.loads((static_folder / "model.json").read_text("utf-8"))["dims"]
        piece_count = Tokenizer.from_file(str(static_folder / "tokenizer.json")).get_vocab_size()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{static_folder} has no static model ({error}). Name a folder that `train embedded` wrote."
        ) from error
    if hidden_size not in dims:
        raise ModelError(
            f"{static_folder} has no rows of {hidden_size} numbers. Choose --width {' or '.join(map(str, dims))}."
        )
    weighted_rows = table[0, :piece_count, :hidden_size] * factors.mean(axis=0)[:piece_count, None]
    return np.asarray(weighted_rows, dtype=np.float32)


class NextTokenObjective:
    """The next-token loss on blocks from anywhere in the corpus, whose end is held out."""

    def __init__(self, model: Any, tokens: NDArray[np.uint16], recipe: CausalRecipe, seed: int) -> None:
        """Hold out the last 64 blocks of the tokens. Raises ModelError where too few are left."""
        self._model, self._tokens, self._recipe, self._seed = model, tokens, recipe, seed
        self._training_end = len(tokens) - _HELD_OUT_BLOCKS * recipe.block
        if self._training_end <= recipe.block:
            raise ModelError(f"{len(tokens)} tokens are too few to learn a language from. Bring more source code.")

    def backward(self, step: int) -> float:
        """Add the gradients of a step's random blocks to the model's; return the loss in nats per token."""
        block_starts = np.random.default_rng((self._seed, step)).integers(
            0, self._training_end - self._recipe.block, self._recipe.batch
        )
        loss = self._compute_loss(block_starts)
        loss.backward()
        return loss.item()

    @torch.inference_mode()
    def measure_held_out(self) -> Measures:
        """Return {"held": loss} of the corpus's held-out end in nats per token; no gradients."""
        return {
            "held": self._compute_loss(self._training_end + np.arange(_HELD_OUT_BLOCKS) * self._recipe.block).item()
        }

    def _compute_loss(self, block_starts: NDArray[np.int64]) -> Tensor:
        """Return the mean cross entropy in nats, with gradients, of the blocks that start at these tokens."""
        blocks = self._tokens[block_starts[:, None] + np.arange(self._recipe.block)].astype(np.int64)
        device = next(self._model.parameters()).device
        input_ids = torch.from_numpy(blocks).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._recipe.bf16):
            logits = self._model(input_ids=input_ids, use_cache=False).logits
        return functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), input_ids[:, 1:].flatten())
