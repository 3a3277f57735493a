"""Run models on this machine: safetensors checkpoints only, in a process of their own."""
