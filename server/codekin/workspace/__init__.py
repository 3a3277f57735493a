"""Which files are indexed, what do they say now, and what changed? Knows nothing of SQLite, vectors or models."""
