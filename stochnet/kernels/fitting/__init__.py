"""Kernels that search likelihoods."""
