"""Which places answer this question? Retrieves, ranks and checks; never waits for the indexer."""
