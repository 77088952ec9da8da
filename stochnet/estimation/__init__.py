"""Estimation: a process for every node, its errors, and the choice among processes."""
