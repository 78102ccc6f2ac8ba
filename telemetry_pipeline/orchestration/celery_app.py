"""What a Celery worker runs: ``celery -A telemetry_pipeline.orchestration.celery_app worker``."""

from __future__ import annotations

from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from telemetry_pipeline.orchestration.executor import CELERY_SETTINGS
from telemetry_pipeline.settings import Settings

_redis_url = Settings.load().redis_url.get_secret_value()

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
        "config_source": CELERY_SETTINGS,
    }
)
execute_plan = create_task(app)
