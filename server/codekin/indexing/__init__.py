"""Answers: what keeps the index up to date with the disk and the open documents?

Reads files into the store, reconciles everything at once in processes, and embeds in the background. It never answers a
question about code, and knows nothing of LSP.
"""
