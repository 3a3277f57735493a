"""How does the code go on from here? Copies lines of the workspace; never generates, never offers what parses worse."""
