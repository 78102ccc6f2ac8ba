"""What a Celery worker runs: ``celery -A telemetry_pipeline.orchestration.celery_app worker -Q ingest,analysis,reports``."""

from __future__ import annotations

from celery.signals import setup_logging
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from telemetry_pipeline import logs
from telemetry_pipeline.orchestration.executor import celery_settings
from telemetry_pipeline.orchestration.foreign_messages import pass_over_foreign_messages
from telemetry_pipeline.orchestration.step_task import StepTask
from telemetry_pipeline.settings import Settings

_settings = Settings.load()
_redis_url = _settings.redis_url.get_secret_value()

app = make_app(
    {
        "broker": _redis_url,
        "backend": _redis_url,
        # Imported before the worker forks, so that no child pays for it in its first step.
        "include": [
            "telemetry_pipeline.definitions",
            "matplotlib.backends.backend_svg",
            "matplotlib.figure",
            "scipy.cluster.vq",
        ],
        "config_source": celery_settings(_settings),
    }
)
execute_plan = create_task(app, base=StepTask)
pass_over_foreign_messages(app)


@setup_logging.connect  # type: ignore[untyped-decorator]
def _set_up_logging(**_: object) -> None:
    """In place of Celery's own, which knows nothing of runs and steps."""
    logs.configure(_settings)
