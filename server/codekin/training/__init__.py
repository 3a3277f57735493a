"""How the embedded model is made: a corpus is harvested, pairs are cut from it, tables are trained on them."""
