"""The catalogue of *Informes* says everything that its pages say, and nothing that no page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import telemetry_pipeline.web.reporting
from telemetry_pipeline.reports.archive.formats import FORMATS
from telemetry_pipeline.warehouse.outgoing.outbox import State
from telemetry_pipeline.web.reporting.showing import DONE, FORMAT_NAMES
from telemetry_pipeline.words.reporting.pages import REPORTING

STATES = {each for part in get_args(State) for each in get_args(part)}
MADE_UP = {*(f"done_{each}" for each in DONE), *(f"state_{each}" for each in STATES)}
ON_THE_START_PAGE = {"reports", "reports_lead"}


def test_every_text_is_said_somewhere_and_none_is_missing() -> None:
    files = [each for each in Path(telemetry_pipeline.web.reporting.__path__[0]).rglob("*") if each.suffix in (".py", ".html")]
    said = {name for each in files for name in re.findall(r"\bsay\.(\w+)", each.read_text())} - {"say"}
    assert set(REPORTING) == said | MADE_UP | ON_THE_START_PAGE


def test_every_format_has_a_name() -> None:
    assert FORMAT_NAMES.keys() == FORMATS.keys()
