"""Inputs of networks: images and their labels."""
