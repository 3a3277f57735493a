"""Average a trained model's weights with those it was trained from: it keeps what it knew, and is better on both.

Source: WiSE-FT, arXiv 2109.01903. Fine-tuned alone, a small model of English forgets English.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from codekin.errors import ModelError
from codekin.training.backbone import TextEncoder

logger = logging.getLogger(__name__)
Measures = dict[str, float]


def average_with_backbone(
    model: TextEncoder, shares: Sequence[float], measure_model: Callable[[], Measures]
) -> dict[str, Measures]:
    """Set the weights to the best mix with the backbone's, by share; return share → measures, and the best share.

    Shares count the trained weights, and are text in the result.

    The other weights are its backbone's, read again. Of equal shares the first is taken. Without measures the weights
    stay as trained. Raises ModelError for a model with adapters, whose backbone is not trained.
    """
    if model.build.lora:
        raise ModelError("Weights can't be averaged with adapters. Leave out --lora, or the shares.")
    if not measure_model():
        logger.warning("No pairs are held out to choose a share of the trained weights: all are kept as trained.")
        return {}
    backbone_weights = {name: weight.clone() for name, weight in TextEncoder(model.build).state_dict().items()}
    trained_weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    measures_by_share: dict[float, Measures] = {}
    for share in shares:
        model.load_state_dict(mix_weights(backbone_weights, trained_weights, share))
        measures_by_share[share] = measure_model()
        logger.info("share %.3g of the trained weights: mean %.4f", share, measures_by_share[share]["mean"])
    best_share = max(measures_by_share, key=lambda share: measures_by_share[share]["mean"])
    model.load_state_dict(mix_weights(backbone_weights, trained_weights, best_share))
    return {f"{share:g}": measures for share, measures in measures_by_share.items()} | {"best": {"share": best_share}}


def mix_weights(
    backbone_weights: Mapping[str, Tensor], trained_weights: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Return name → mean of both models' weights; `share`, 0 to 1, weighs the trained; integers stay the trained."""
    return {
        name: torch.lerp(backbone_weights[name].to(trained), trained, share) if trained.is_floating_point() else trained
        for name, trained in trained_weights.items()
    }
