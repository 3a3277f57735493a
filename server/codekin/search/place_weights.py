"""Weights of the features of places beside others of their file, in logits: fitted, not chosen.

Made by codekin.evaluation.place_fitting on 8,647 answers about 56 repositories.
None of these are measured on. Their meaning: search/place_scores.py.
"""

PLACE_WEIGHTS = {
    "cosine": 5.74,
    "share": 2.18,
    "said": 4.26,
    "qualified": 5.63,
    "defined": 1.87,
    "defined alone": 4.38,
    "class": -0.46,
    "defined class": -1.72,
    "rest of a file": -3.64,
    "method": 0.25,
    "constructor": -0.56,
    "test": -0.6,
    "stub": -0.18,
    "lines": 0.71,
}
