"""Exact sums over groups of trials: what compared statistics are made of."""
