"""Answers: what can be searched now?

The store and what is loaded of it into memory, in step with each other. It never reads or writes source files.
"""
