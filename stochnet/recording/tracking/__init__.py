"""Indicators of a network over its training: what is computed, and the table it is kept in."""

# The files of its folder.
TABLE, SETTINGS, PAGE = "indicators.csv", "settings.json", "indicators.html"
