"""Who answers a command at once? A process that the first command leaves, with the index in memory, for ten minutes."""
