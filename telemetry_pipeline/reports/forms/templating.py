"""Templates of what is HTML: reports, and mail that brings them."""

from __future__ import annotations

import functools
from typing import Any

import jinja2


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("telemetry_pipeline.reports.forms"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def render(template: str, **values: Any) -> str:
    """Return a template with values, of which texts stay texts.

    :raises jinja2.TemplateError: the template names what is not there.
    """
    return _environment().get_template(template).render(**values)


def load() -> None:
    """Compile all templates, which takes most of the time of the first that is rendered."""
    for name in _environment().list_templates(["html"]):
        _environment().get_template(name)


def source(template: str) -> str:
    """Return a template as it is written."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), template)[0]
