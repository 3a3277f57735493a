"""What is near, in memory? Exact and graph search, fingerprints and line hashes; never opens the store."""
