"""Weights of the features of files, in logits: fitted, not chosen, except for those of tests and prose.

Fitted, by a prototype of codekin.evaluation.ranking_fitting, to 5,888 harvested questions about 31 repositories.
Nothing is measured on these. The features: search/rank_features.py.
"""

FILE_WEIGHTS = {
    "nearest": 4.98,
    "near": 2.15,
    "wordiest": 3.43,
    "many": 0.32,
    "covered": 2.68,
    "title_precise": 1.71,
    "place_name": 3.44,
    "called": 0.42,
    "defined": 1.27,
    "named": 3.68,
    "exact": 6.29,
    "exact_title": 0.17,
    "test": -3.5,
    "internal": -0.55,
    "legacy": -1.42,
    "foreign": -0.59,
    "former": -2.0,
    "prose": -4.2,
}
