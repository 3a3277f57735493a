"""Which models run on this machine, and how? Checkpoints by safetensors only, in a process of their own."""
