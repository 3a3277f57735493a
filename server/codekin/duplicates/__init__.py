"""Which functions stand more than once, and which of them are meant to? Reads index and texts; changes nothing."""
