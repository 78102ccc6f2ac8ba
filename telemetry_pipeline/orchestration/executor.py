"""The Celery executor: what it and the workers have to agree on, and what it does about tasks that got lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
from celery import Celery
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster_celery.core_execution_loop import core_celery_execution_loop
from dagster_celery.executor import CeleryExecutor, _submit_task

from telemetry_pipeline.addresses import celery_url
from telemetry_pipeline.broker import QUEUES
from telemetry_pipeline.orchestration.liveness import alive
from telemetry_pipeline.orchestration.lost_steps import StepWatch, WatchedResult, known_steps
from telemetry_pipeline.settings import Settings

INGEST, ANALYSIS, REPORTS = QUEUES

_LIMIT_TO_REDELIVERY_SECONDS = 300


def on_queue(queue: str) -> dict[str, str]:
    """The tags of an op whose steps workers of *queue* execute."""
    return {"dagster-celery/queue": queue}


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Celery's settings, the same for those who submit steps and those who execute them."""
    hard_seconds = settings.run_time_limit_minutes * 60
    return {
        "task_default_queue": ANALYSIS,
        # A task whose child process dies is run again, and not for ever.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,
        "task_annotations": {"execute_plan": {"max_retries": 2, "default_retry_delay": 1}},
        "worker_prefetch_multiplier": 1,
        # A task that outlives the visibility timeout would be run a second time beside the first.
        "task_soft_time_limit": settings.run_soft_time_limit_minutes * 60,
        "task_time_limit": hard_seconds,
        "broker_transport_options": {
            "visibility_timeout": hard_seconds + _LIMIT_TO_REDELIVERY_SECONDS,
            "unacked_restore_throttle": 1,
        },
        "worker_max_tasks_per_child": settings.worker_child_tasks,
        "worker_max_memory_per_child": settings.worker_child_memory_mb * 1_000,
        # A broker that is away for a minute fails no run.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_publish_retry_policy": {"max_retries": 60, "interval_start": 0.2, "interval_step": 0.2, "interval_max": 1},
        "result_backend_always_retry": True,
        # Who waits for a result ends before it does. Those of a tick are a megabyte, and the broker keeps them in memory.
        "result_expires": hard_seconds + _LIMIT_TO_REDELIVERY_SECONDS,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
    }


class StepExecutor(CeleryExecutor):
    """Dagster's Celery executor, which submits a step again whose task got lost with its worker or its broker, and shows that
    the process of the run lives.
    """

    def __init__(self, settings: Settings) -> None:
        broker = celery_url(settings.redis_url.get_secret_value())
        super().__init__(retries=RetryMode.ENABLED, broker=broker, backend=broker, config_source=celery_settings(settings))
        self.database_url = settings.dagster_database_url.get_secret_value()

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
        """Execute the plan's steps on Celery."""
        run_id = plan_context.run_id
        watch = StepWatch(lambda: known_steps(self.broker, run_id))

        def submit(app: Celery, context: PlanOrchestrationContext, step: ExecutionStep, *details: Any) -> WatchedResult:
            return WatchedResult(step.key, lambda: _submit_task(app, context, step, *details), watch, context.log.warning)

        with alive(self.database_url, run_id):
            yield from core_celery_execution_loop(plan_context, execution_plan, submit)


def build_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of every job. It takes no configuration, so that no address gets into a run's."""

    @dg.executor(name="celery", requirements=dg.multiple_process_executor_requirements())
    def celery(_: dg.InitExecutorContext) -> StepExecutor:
        return StepExecutor(settings)

    return celery
