"""What is the vector at the user's own endpoint? Asked only if a user setting names it."""
