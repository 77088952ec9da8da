"""Kinds of compared statistics: of nodes, of pairs of nodes, and of the whole network."""
