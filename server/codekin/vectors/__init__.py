"""Answers: what is similar to this, among the vectors, fingerprints and line hashes in memory?

Everything here is an immutable snapshot or replaces one. It never opens the store, and never reads source files.
"""
