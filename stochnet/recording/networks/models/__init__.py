"""Models: those there are by name, their weights and their checkpoints."""
