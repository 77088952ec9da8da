"""Exact sums over groups of pieces of trials: what compared statistics are made of."""
