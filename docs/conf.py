"""The documentation as a site: the pages that repositories show anyway, with their links. Nothing is fetched to build it."""

from importlib.metadata import version as installed
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "Telemetry Pipeline"
version = release = installed("telemetry-pipeline")
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md"]
exclude_patterns = [".*"]
myst_heading_anchors = 4
nitpicky = True
# What Grafana puts into SQL is no SQL.
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = f"{project} {release}"
html_show_sphinx = False
html_copy_source = False

_CONTENTS = """
```{toctree}
:hidden:
:glob:

docs/*
CONTRIBUTING
CHANGELOG
SECURITY
```
"""


def _add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += _CONTENTS


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the table of contents, which repositories would show as code, and take diagrams for the text that they are."""
    app.connect("source-read", _add_contents)
    app.add_lexer("mermaid", TextLexer)
    return {"parallel_read_safe": True}
