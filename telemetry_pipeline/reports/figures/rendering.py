"""Pictures out of their declarations: vl-convert draws them, without any file or font from elsewhere.

Its first picture takes a second and 40 MB, and begins threads: a process that forks may load it, and draws nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import vl_convert

from telemetry_pipeline.reports.figures.svg import DOOR, tidied

_ALLOWED = [f"{DOOR}/"]
"""What declarations may name: links to pages of ours, which nobody follows here."""

vl_convert.register_font_directory(str(Path(__file__).parent / "fonts"))


def svg(declaration: dict[str, Any], label: str) -> str:
    """Return a picture as SVG that may stand in a page: it has no styles, scripts or addresses of others.

    :param label: what the picture is called by who hears it.
    """
    return tidied(vl_convert.vegalite_to_svg(json.dumps(declaration, allow_nan=False), allowed_base_urls=_ALLOWED), label)


def png(declaration: dict[str, Any], scale: float) -> bytes:
    """Return a picture as PNG, *scale* pixels for each of the SVG's."""
    return vl_convert.vegalite_to_png(json.dumps(declaration, allow_nan=False), scale=scale, allowed_base_urls=_ALLOWED)
