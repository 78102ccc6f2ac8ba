"""What Dagster says of runs and steps, as lines of ours; from it a process knows which step begins and ends in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry_pipeline.logs.context import Context, Process, note
from telemetry_pipeline.logs.lines import without_data
from telemetry_pipeline.logs.setup import DAGSTER_LOGGER, configure, is_configured
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import partition_text

# What Dagster says of each step is twenty events below INFO; these are worth a line.
_BEGINNINGS = {"PIPELINE_START", "STEP_START", "STEP_RESTARTED"}
_ENDINGS = {"STEP_SUCCESS", "STEP_SKIPPED", "STEP_FAILURE", "STEP_UP_FOR_RETRY"}
_RUN_ENDINGS = {"PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED"}
_WORTH_A_LINE = _BEGINNINGS | _ENDINGS | _RUN_ENDINGS


class DagsterHandler(logging.Handler):
    """What ``dagster.yaml`` names, so that Dagster hands over what it logs about runs and steps, and what steps log."""

    def __init__(self) -> None:
        super().__init__()
        # One is made for every step.
        if not is_configured():
            configure(StackSettings.load())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is worth a line, and note which step begins or ends in this process."""
        meta: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        context = Context(meta["run_id"], meta["step_key"], partition_text(meta["job_tags"]) or None)
        event = meta["dagster_event"]
        event_type = event.event_type_value if event else ""
        if event_type in _BEGINNINGS:
            Process.context = context
        level = max(record.levelno, logging.INFO)
        if (record.levelno >= level or event_type in _WORTH_A_LINE) and logging.getLogger(DAGSTER_LOGGER).isEnabledFor(level):
            line = logging.LogRecord(
                DAGSTER_LOGGER, level, record.pathname, record.lineno, meta["orig_message"], (), record.exc_info
            )
            note(line, context)
            if event and (error := getattr(event.event_specific_data, "error", None)):
                vars(line)["error"] = list(_serialized_error(error))
            logging.getLogger(DAGSTER_LOGGER).handle(line)
        if event_type in _ENDINGS and Process.context == context:
            Process.context = None


def _serialized_error(error: Any) -> Iterator[str]:
    """Yield the same of an exception as Dagster keeps it."""
    while error is not None:
        yield without_data(error.message.split("\n")[0])
        yield from (line.rstrip("\n") for line in error.stack)
        error = error.cause
