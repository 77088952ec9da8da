"""Kernels that count spikes."""
