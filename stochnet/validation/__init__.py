"""How close a simulated raster is to an observed one, and how close it could be."""

from stochnet.validation.compare import validate
from stochnet.validation.outcome import Report

__all__ = ["Report", "validate"]
