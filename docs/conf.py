"""Configuration of the site: `make site` builds it from these pages, offline and strict."""

from __future__ import annotations

import re
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from catalogdb.version import __version__

OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:deploy|catalogdb|benchmarks|schemas|jobs|tests)\b[^)]*\)")
"""Links to files of the repository that are no pages of the site."""

project = "catalogdb"
author = "the catalogdb developers"
copyright = author
release = version = __version__

root_doc = "index"
exclude_patterns = ["README.md", "_build", "**/.ipynb_checkpoints"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # tests/integration/test_notebooks.py runs them

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = True

html_theme = "furo"
html_title = f"catalogdb {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_js_files = ["pictures.js"]
MERMAID = Path(__file__).with_name("_static") / "mermaid.min.js"
if MERMAID.is_file():  # `make site` fetches it where it can
    html_js_files.insert(0, MERMAID.name)


def without_links_outside(*arguments: object) -> None:
    """Leave the text of links that lead out of the site; the last argument is a list of one text."""
    content = arguments[-1]
    content[0] = OUTSIDE.sub(r"\1", content[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("mermaid", TextLexer)
    app.connect("source-read", without_links_outside)
    app.connect("include-read", without_links_outside)
