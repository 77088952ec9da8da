"""Kernels that draw spikes."""
