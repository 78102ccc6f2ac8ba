"""The catalogue of *Tareas* and *Estado* is whole in both languages, and says nothing that no page says."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import telemetry_pipeline.web.operating
from telemetry_pipeline.client.answers import RunStatus, StepStatus
from telemetry_pipeline.steering.tasks import State
from telemetry_pipeline.tags import Priority
from telemetry_pipeline.web.operating.tasks import DONE
from telemetry_pipeline.words.upkeep.pages import OPERATING

MADE_UP = {
    *(f"status_{each}" for each in RunStatus),
    *(f"step_{each}" for each in StepStatus),
    *(f"states_{each}" for each in State),
    *(f"priority_{each}" for each in Priority),
    *(f"done_{each}" for each in DONE),
    *(f"outcome_{each}" for each in ("succeeded", "failed", "skipped", "under way")),
    "step_CANCELED",
}


def test_every_text_is_said_somewhere_and_none_is_missing() -> None:
    files = [each for each in Path(telemetry_pipeline.web.operating.__path__[0]).rglob("*") if each.suffix in (".py", ".html")]
    said = {name for each in files for name in re.findall(r"\bsay\.(\w+)", each.read_text())} - {"say"}
    assert set(OPERATING) == said | MADE_UP


def test_both_languages_leave_the_same_to_be_filled_in() -> None:
    for name, texts in OPERATING.items():
        spanish, english = ({field for _, field, _, _ in Formatter().parse(text) if field} for text in texts)
        assert (name, spanish) == (name, english)
