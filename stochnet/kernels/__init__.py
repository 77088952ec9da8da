"""Everything compiled; the only importer of numba. One file per kind of work."""
