"""Studies: a folder with a configuration and a function of one cell, run cell by cell."""
