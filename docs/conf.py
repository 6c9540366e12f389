"""How Sphinx makes the site: `make docs` runs it on a copy of this folder, to which tools/reference.py adds api/."""

project = "Clew"
author = "the authors of Clew"
extensions = ["myst_parser", "autoapi.extension"]
html_theme = "furo"
html_title = "Clew"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_show_sphinx = False
# Of the labs the texts alone: no solution is in the site.
exclude_patterns = ["api", "site", "labs/handout", "labs/*/reference", "labs/*/wrong", "notebook.ipynb"]
suppress_warnings = ["misc.highlighting_failure"]
highlight_language = "text"
nitpicky = True
# What a class stands on may be Python's own, or no part of the surface.
nitpick_ignore_regex = [("py:.*", ".*")]
default_role = "literal"
myst_heading_anchors = 3
smartquotes = False

autoapi_dirs = ["api"]
autoapi_root = "reference"
autoapi_options = ["members", "undoc-members", "show-inheritance"]
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False
autoapi_keep_files = False
