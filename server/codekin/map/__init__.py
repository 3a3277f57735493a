"""How do all functions of a workspace lie to each other? Draws them on a plane; never reads files or asks a model."""
