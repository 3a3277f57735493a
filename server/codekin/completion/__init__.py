"""How does the code go on from here? Copies lines of the workspace, and predicts tokens from its counts.

Never generates from anything but the workspace, never offers what parses worse."""
