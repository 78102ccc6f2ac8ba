"""Where the pages of this room are."""

from __future__ import annotations

from starlette.routing import BaseRoute

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.access.door import Door
from telemetry_pipeline.web.operating.acting import Acting
from telemetry_pipeline.web.operating.controls import Controls
from telemetry_pipeline.web.operating.metrics import Metrics, Requests
from telemetry_pipeline.web.operating.state import State
from telemetry_pipeline.web.operating.tasks import Tasks
from telemetry_pipeline.web.operating.voice import Voice
from telemetry_pipeline.words.language import Language


def routes(door: Door, settings: DoorSettings, requests: Requests, language: Language = Language.ES) -> list[BaseRoute]:
    """Return all of them.

    :param requests: what the door counts of its own.
    """
    controls = Controls.of_settings(door, settings, Voice(language, settings.operator_zone))
    # Deeds come first: their addresses look like a run's.
    return [
        *Acting(controls).routes(),
        *Tasks(controls).routes(),
        *State(controls, requests).routes(),
        *Metrics(controls.board, requests).routes(),
    ]
