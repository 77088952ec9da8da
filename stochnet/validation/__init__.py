"""How close a simulated raster is to an observed one, and how close it could be."""
