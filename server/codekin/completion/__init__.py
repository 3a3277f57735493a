"""How does the code go on from here? Copies from the workspace; never generates, never offers what parses worse."""
