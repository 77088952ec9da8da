"""Sufficient statistics of blocks of nodes: all that an estimator may see."""
