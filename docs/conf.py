"""Sphinx settings: ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

Nothing is fetched from the net, neither while building nor by the pages.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

# The pages describe the sources beside them, whatever else is installed.
sys.path.insert(0, str(Path(__file__).parents[1]))

import custseg
from custseg._utils._result import Result
from custseg.plotting._drawing import Display

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
autosummary_generate = False  # one page a stage, made by write_names below
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
        "benchmarks",
        "policy",
        "changelog",
        "search",
        "genindex",
    )
}


def escape_shapes(app, what, name, obj, options, lines):
    """Keep ``shape (n_features_in_,)`` from being read as a reference."""
    lines[:] = [re.sub(r"(shape \(\w+)_([,)])", r"\1\\_\2", line) for line in lines]


def names_of_stage(module):
    """Return the reference of a stage: a table of its names, then each in full."""
    table, entries = [], []
    for name in module.__all__:
        member = getattr(module, name)
        table.append(f"   {name}")
        if not isinstance(member, type):
            entries.append(f".. autofunction:: {name}\n")
        elif issubclass(member, Exception):
            entries.append(f".. autoclass:: {name}\n   :show-inheritance:\n")
        else:
            shared = "   :inherited-members:\n" * issubclass(member, (Result, Display))
            entries.append(f".. autoclass:: {name}\n   :members:\n{shared}")
    head = [f".. currentmodule:: {module.__name__}", "", ".. autosummary::"]
    lines = [*head, "   :nosignatures:", "", *table, "", *entries]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def write_names(app, docname, source):
    """Put the public names of a stage into its page, in place of the mark."""
    if docname.startswith("api/") and "<!-- the names of the stage -->" in source[0]:
        module = import_module(f"custseg.{docname.removeprefix('api/')}")
        source[0] = source[0].replace(
            "<!-- the names of the stage -->", names_of_stage(module)
        )


def setup(app):
    """Register what comes before numpydoc reads a docstring (priority 500)."""
    app.connect("source-read", write_names)
    app.connect("autodoc-process-docstring", escape_shapes, priority=400)
