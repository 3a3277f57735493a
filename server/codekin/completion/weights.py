"""What the features weigh in the question how code goes on: fitted, not chosen.

Made by codekin.evaluation.fitting on 2,000 cuts of click, ansible, axios, gin, gson, libuv, sinatra, axum.
"""

OF_CLUES = {
    "rarity": 1.69,
    "root_rarity": -1.92,
    "depth": 0.26,
    "aligned": 1.14,
    "called": 0.11,
    "here": 0.67,
    "folder": -0.52,
    "stands": 1.24,
    "steps": 0.27,
    "words": 2.87,
    "meaning": 0.68,
    "name": -0.3,
    "begins": -1.08,
    "same_line": -0.58,
    "alike": 0.57,
    "unresolved": -2.58,
    "already": -0.47,
    "frequency": 0.4,
    "bracket": 1.11,
    "header": 0.16,
    "header_words": 1.23,
    "in_list": -0.94,
    "near": 0.08,
    "kind": 1.1,
    "known": 0.88,
    "length": -1.44,
    "closing": -5.08,
    "called_here": 0.3,
    "alike_here": 0.64,
    "begins_here": 1.9,
    "header_aligned": -0.53,
    "bias": -10.45,
}

OF_LINES = {
    "best": 0.59,
    "share": 1.29,
    "evidence": -0.38,
    "clues": 0.52,
    "unresolved": 0.42,
    "already": -0.75,
    "aligned": 0.08,
    "length": 1.4,
    "same_line": 0.82,
    "known": 0.13,
    "here": 0.22,
    "bias": -1.3,
}
