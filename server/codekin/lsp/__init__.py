"""What does the editor want? Speaks LSP with one client; never works on the event loop."""
