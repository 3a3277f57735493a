"""Make the embedding models of codekin: collect a corpus, cut it into pairs, train on them, export the model.

Answers how each model came to be. The server never imports it.
"""
