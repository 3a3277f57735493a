"""Which snippets, names and words does this text have? Pure functions of text; never raises, never reads a file."""
