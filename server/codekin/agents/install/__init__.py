"""How is an agent told that codekin is there? Edits of its own files: shown before, exact, and undone exactly."""
