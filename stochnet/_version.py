"""The version: workers of another one are refused, for their modules may stand elsewhere."""

__version__ = "0.2.0.dev0"
