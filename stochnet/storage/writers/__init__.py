"""Writers of rasters: by nodes or by bins, while they are made."""
