"""A picture on a page has the colours of the same picture in a file, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import telemetry_pipeline.web.frame
from telemetry_pipeline.reports.figures.themes import DARK, LIGHT, VARIABLE

STATIC = Path(telemetry_pipeline.web.frame.__file__).parent / "static"


def test_the_style_sheet_of_pages_has_the_colours_of_pictures() -> None:
    text = (STATIC / "pages.css").read_text()
    found: list[dict[str, str]] = [
        dict(re.findall(rf"{VARIABLE}([a-z-]+): (#[0-9a-f]{{6}})", block)) for block in re.findall(r"\{([^{}]*)\}", text)
    ]
    light, dark_by_preference, dark_by_choice = (each for each in found if "blue" in each)
    assert light == LIGHT.colours
    assert dark_by_preference == dark_by_choice == DARK.colours
