"""Fits of the latents that nodes share, from correlations of pairs."""
