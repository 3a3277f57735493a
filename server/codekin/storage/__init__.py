"""Answers: what does codekin keep on the disk?

SQLite files, their paths, locks and repair. It knows no vectors in memory and reads no source files.
"""
