"""Mixes the features of candidates into scores, or probabilities: a small fitted network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mixer:
    """A softmax over candidates, each scored by a linear part and one hidden layer (tanh)."""

    means: Weights  # (features,) subtracted before
    scales: Weights  # (features,) divided by before
    linear: Weights  # (features,)
    hidden: Weights  # (features, units)
    hidden_biases: Weights  # (units,)
    output: Weights  # (units,)

    def compute_probabilities(self, features: Weights) -> Weights:
        """Return each candidate's probability (n,), a softmax over all, by its features as they are: (n, features)."""
        scores = self.compute_scores((features - self.means) / self.scales)
        exponentials = np.exp(scores - scores.max())
        probabilities: Weights = exponentials / exponentials.sum()
        return probabilities

    def compute_scores(self, normalized: Weights) -> Weights:
        """Return the score, (n,), of each row of normalised features, (n, features): linear part plus hidden layer."""
        scores: Weights = normalized @ self.linear + self._activate(normalized) @ self.output
        return scores

    def _activate(self, normalized: Weights) -> Weights:
        """Return the hidden layer's activations, (n, units), for each row of normalised features."""
        activations: Weights = np.tanh(normalized @ self.hidden + self.hidden_biases)
        return activations
