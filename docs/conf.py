"""Sphinx settings: ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

Nothing is fetched from the net, neither while building nor by the pages.
"""

import re
import sys
from pathlib import Path

# The pages describe the sources beside them, whatever else is installed.
sys.path.insert(0, str(Path(__file__).parents[1]))

import custseg

project = "custseg"
author = "The custseg developers"
copyright = author
version = release = custseg.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
]
exclude_patterns = ["_build", "images"]
smartquotes = False  # a default of "auto" is copied as it stands
# `name` in a docstring is a link where there is such a name.
default_role = "autolink"
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {
    # scikit-learn's own, whose texts refer to its glossary
    "exclude-members": "set_fit_request, set_predict_request, set_score_request, "
    "set_transform_request",
}
autosummary_generate = False  # one page a stage, written by hand
numpydoc_show_class_members = False  # the API pages list methods themselves

html_theme = "pydata_sphinx_theme"
html_title = f"custseg {version}"
html_static_path = ["_static"]
html_css_files = ["custseg.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "custseg"},
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages without pages below them need no list of such at their left.
html_sidebars = {
    page: []
    for page in (
        "index",
        "install",
        "quickstart",
        "pitfalls",
        "command_line",
        "glossary",
        "design",
        "changelog",
        "search",
        "genindex",
    )
}


def escape_shapes(app, what, name, obj, options, lines):
    """Keep ``shape (n_features_in_,)`` from being read as a reference."""
    lines[:] = [re.sub(r"(shape \(\w+)_([,)])", r"\1\\_\2", line) for line in lines]


def setup(app):
    """Register what comes before numpydoc reads a docstring (priority 500)."""
    app.connect("autodoc-process-docstring", escape_shapes, priority=400)
