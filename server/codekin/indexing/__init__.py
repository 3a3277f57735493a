"""What keeps the index up to date with the disk and open documents? Never answers a question."""
