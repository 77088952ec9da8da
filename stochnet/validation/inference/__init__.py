"""Inference by randomization: what chance explains, and p values adjusted for their number."""
