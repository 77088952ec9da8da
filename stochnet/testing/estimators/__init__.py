"""Checks of an estimator of your own."""
