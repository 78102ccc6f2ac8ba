"""Templates of the rooms of the door, each in the frame that all share."""

from __future__ import annotations

from typing import Any

import jinja2

from telemetry_pipeline.web.frame.assets import asset

_FRAME = "telemetry_pipeline.web.frame"
_made: list[jinja2.Environment] = []


def templates(package: str = _FRAME, *, enable_async: bool = False, **names: Any) -> jinja2.Environment:
    """Return the templates of a package, before those of the frame.

    :param names: that they know beside ``asset``.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(each) for each in dict.fromkeys([package, _FRAME])]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        enable_async=enable_async,
    )
    environment.globals |= {"asset": asset, **names}
    _made.append(environment)
    return environment


def compile_all() -> None:
    """Compile them, so that whoever opens a page first does not wait for that."""
    for environment in _made:
        for name in environment.list_templates():
            environment.get_template(name)
