"""What a Celery worker runs.

``celery -A telemetry_pipeline.orchestration.runtime.celery_app worker -Q ingest,analysis,reports``
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from typing import Any

from celery.signals import celeryd_init, setup_logging, worker_before_create_process
from dagster._core.code_pointer import ModuleCodePointer
from dagster_celery.make_app import make_app

from telemetry_pipeline import broker
from telemetry_pipeline.errors import SettingsError, TelemetryError
from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.orchestration.runtime.cluster.children import look_after_children
from telemetry_pipeline.orchestration.runtime.cluster.executor import INGEST, LOADED, celery_settings
from telemetry_pipeline.orchestration.runtime.cluster.foreign_messages import pass_over_foreign_messages
from telemetry_pipeline.orchestration.runtime.cluster.remote_control import restrict_remote_control
from telemetry_pipeline.orchestration.runtime.cluster.restarts import end_when_asked
from telemetry_pipeline.orchestration.runtime.cluster.step_task import StepTask
from telemetry_pipeline.settings.addresses import celery_url
from telemetry_pipeline.settings.loading import PipelineSettings, Settings

_settings = PipelineSettings.load()
_broker = celery_url(_settings.redis_url.get_secret_value())

app = make_app(
    {
        "broker": _broker,
        "backend": _broker,
        "include": LOADED,
        "config_source": celery_settings(_settings),
    }
)
execute_plan = app.register_task(StepTask(ModuleCodePointer("telemetry_pipeline.definitions", "defs"), _settings.database_url))
pass_over_foreign_messages(app)
restrict_remote_control()
end_when_asked(_settings.database_url)
look_after_children(_settings.limits.spill_directory)


@worker_before_create_process.connect  # type: ignore[untyped-decorator]
def _leave_out_of_collections_what_is_loaded(**_: object) -> None:
    """Have children collect no garbage among what the worker has loaded: they would touch, and so copy, all of its memory."""
    gc.collect()
    gc.freeze()


@setup_logging.connect  # type: ignore[untyped-decorator]
def _set_up_logging(**_: object) -> None:
    """Set up our logging in place of Celery's own, which knows nothing of runs and steps."""
    logs.configure(_settings)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _refuse_to_ingest_without_a_login(options: Mapping[str, Any], **_: object) -> None:
    """Stop a worker of the ingest queue that was not given what logs in: workers of other queues are not given what logs in to
    PanAccess.
    """
    if INGEST in (options.get("queues") or ()):
        try:
            Settings.load()
        except SettingsError as err:
            sys.exit(str(err))


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _refuse_a_taken_name(sender: str, **_: object) -> None:
    """Stop the second of one name: each of two takes what is asked of, and said by, the other for its own: lost steps look
    held.
    """
    try:
        others = {worker.node: worker for worker in broker.workers(_settings.redis_url.get_secret_value())}
    except TelemetryError:
        return  # the broker is away, which Celery waits for
    if other := others.get(sender):
        sys.exit(
            f"A worker named {sender} is at work already (process {other.pid} of its machine). End that one, or give this one "
            f"another name: -n {sender.partition('@')[0]}2@%h."
        )
