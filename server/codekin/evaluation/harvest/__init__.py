"""Collect labelled questions from Git histories, documentation and names: which file or function answers?"""
