"""What a few stimuli, shown in batches of two sizes, tell of a network before it is recorded."""
