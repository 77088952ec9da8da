"""The page of a report: its figures, tables and words."""
