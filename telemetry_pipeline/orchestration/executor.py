"""The Celery executor and what it and the workers have to agree on."""

from __future__ import annotations

import dagster as dg
from dagster_celery import celery_executor

QUEUE = "dagster"
VISIBILITY_TIMEOUT_SECONDS = 3_600
HARD_LIMIT_SECONDS = 3_000
SOFT_LIMIT_SECONDS = 2_700

CELERY_SETTINGS = {
    # A task whose worker dies is run again, by another worker, and not for ever.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_retry_on_worker_lost": True,
    "task_annotations": {"execute_plan": {"max_retries": 2}},
    "worker_prefetch_multiplier": 1,
    # A task that outlives the visibility timeout would be run a second time beside the first.
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "unacked_restore_throttle": 1,
    },
    "task_soft_time_limit": SOFT_LIMIT_SECONDS,
    "task_time_limit": HARD_LIMIT_SECONDS,
    # A broker that is away for some seconds fails no run.
    "broker_connection_retry_on_startup": True,
    "result_backend_always_retry": True,
    "result_expires": 86_400,
}

_CONFIG = {
    # By name, so that no password gets into the run's configuration or into a message on the broker.
    "broker": {"env": "REDIS_URL"},
    "backend": {"env": "REDIS_URL"},
    "config_source": CELERY_SETTINGS,
}

celery: dg.ExecutorDefinition = celery_executor.configured(_CONFIG, name="celery")
