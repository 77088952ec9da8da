"""Files of any kind: published whole, opened without trust, sealed."""
