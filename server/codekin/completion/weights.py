"""Weights of the features of candidates, in logits: fitted, not chosen.

Made by codekin.evaluation.weight_fitting on 2,000 cuts of click, ansible, axios, gin, gson, libuv, sinatra, axum.
"""

CANDIDATE_WEIGHTS = {
    "rarity": 1.69,
    "root_rarity": -1.92,
    "depth": 0.26,
    "aligned": 1.14,
    "called": 0.11,
    "here": 0.66,
    "folder": -0.52,
    "stands": 1.23,
    "steps": 0.27,
    "words": 2.88,
    "meaning": 0.67,
    "name": -0.31,
    "begins": -1.08,
    "same_line": -0.59,
    "alike": 0.54,
    "unresolved": -2.74,
    "already": -0.48,
    "frequency": 0.4,
    "bracket": 1.11,
    "header": 0.16,
    "header_words": 1.23,
    "in_list": -0.94,
    "near": 0.08,
    "kind": 1.11,
    "known": 0.86,
    "length": -1.43,
    "closing": -5.08,
    "called_here": 0.29,
    "alike_here": 0.66,
    "begins_here": 1.89,
    "header_aligned": -0.51,
    "bias": -10.45,
}
