"""Sphinx configuration: `make docs` builds the pages as HTML."""

import stochnet

project = "stochnet"
author = "stochnet developers"
copyright = "2026, stochnet developers"
release = stochnet.__version__
version = release

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
templates_path = ["_templates"]
exclude_patterns = ["_build"]

# The reference lists whatever stochnet.__all__ holds.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "stochnet"
html_theme_options = {"show_prev_next": False, "use_edit_page_button": False}
html_show_sourcelink = False
# Linked from the page on reports.
html_extra_path = ["report-schema.json"]
