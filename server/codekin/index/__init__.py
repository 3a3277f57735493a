"""What can be searched now? The store and the vectors in memory, kept in step; never reads or writes sources."""
