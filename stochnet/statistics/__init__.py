"""Statistics of rasters: numbers of nodes and of pairs of nodes."""
