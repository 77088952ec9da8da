"""Judging: how far chance reaches, and what is beyond it."""
