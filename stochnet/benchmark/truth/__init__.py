"""Networks with known truth, and how well it can be known."""
