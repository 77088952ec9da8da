"""Files are published whole or not at all; whatever writes a file writes it through here."""
