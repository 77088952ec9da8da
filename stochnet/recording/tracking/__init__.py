"""Indicators of a network over its training: what is computed, and the table it is kept in."""
