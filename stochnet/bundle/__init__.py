"""Bundles: fitted networks, and networks of another size drawn from them."""
