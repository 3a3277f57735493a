"""Which snippets, names and words does this text have? Pure: no source text makes it raise, and it reads no file."""
