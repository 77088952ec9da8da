"""Mathematics that several processes share."""
