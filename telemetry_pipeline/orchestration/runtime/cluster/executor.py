"""The Celery executor: what it and the workers have to agree on, and what follows when an attempt at a step goes wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import dagster as dg
from celery import Celery
from celery.result import AsyncResult
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import IStepContext, PlanOrchestrationContext
from dagster._core.execution.plan.objects import StepFailureData, StepRetryData, UserFailureData
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._utils.error import serializable_error_info_from_exc_info
from dagster_celery import core_execution_loop
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from dagster_celery.executor import CeleryExecutor
from dagster_shared.serdes import serialize_value

from telemetry_pipeline.broker import QUEUES
from telemetry_pipeline.errors import WarehouseUnavailable
from telemetry_pipeline.job_names import REBUILD
from telemetry_pipeline.orchestration.runtime.cluster.attempts import (
    attempt_number,
    ended,
    failures,
    is_tick,
    seconds_to_next,
)
from telemetry_pipeline.orchestration.runtime.cluster.lost_steps import StepWatch, Turns, WatchedResult, known_steps
from telemetry_pipeline.orchestration.runtime.cluster.steps import has_ended
from telemetry_pipeline.orchestration.runtime.liveness import alive
from telemetry_pipeline.settings.addresses import celery_url
from telemetry_pipeline.settings.loading import PipelineSettings, StackSettings
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import attempts

INGEST, ANALYSIS, REPORTS = QUEUES

LOADED = ("telemetry_pipeline.definitions", "scipy.cluster.vq", "telemetry_pipeline.reports.ready")
"""What a worker imports before it forks, so that no child pays for it in its first step, and all share its memory."""

_LIMIT_TO_REDELIVERY_SECONDS = 300

# A second, as Dagster has it, passes between the end of each level of steps and the next.
core_execution_loop.TICK_SECONDS = 0.1  # type: ignore[assignment]


def on_queue(queue: str) -> dict[str, str]:
    """Return the tags of an op whose steps workers of *queue* execute."""
    return {"dagster-celery/queue": queue}


def celery_settings(settings: PipelineSettings) -> dict[str, Any]:
    """Return Celery's settings, the same for those who submit steps and those who execute them."""
    hard_seconds = settings.run_time_limit_minutes * 60
    return {
        "task_default_queue": ANALYSIS,
        # What a lost worker had is not gone. That a step is tried again whose child process died is up to the run's process.
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        # A task that outlives the visibility timeout would be run a second time beside the first.
        "task_soft_time_limit": settings.run_soft_time_limit_minutes * 60,
        "task_time_limit": hard_seconds,
        "broker_transport_options": {
            "visibility_timeout": hard_seconds + _LIMIT_TO_REDELIVERY_SECONDS,
            "unacked_restore_throttle": 1,
        },
        "worker_max_tasks_per_child": settings.worker_child_tasks,
        "worker_max_memory_per_child": settings.limits.child_memory_mb * 1_000,
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
    """Dagster's Celery executor, which has a step tried again that got lost or was interrupted, and shows that the process of
    the run lives.
    """

    def __init__(self, settings: PipelineSettings) -> None:
        broker = celery_url(settings.redis_url.get_secret_value())
        super().__init__(retries=RetryMode.ENABLED, broker=broker, backend=broker, config_source=celery_settings(settings))
        self._settings = settings

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
        """Execute the plan's steps on Celery."""
        run_id = plan_context.run_id
        watch = StepWatch(lambda: known_steps(self.broker, run_id))
        turns = Turns(1) if plan_context.dagster_run.job_name == REBUILD else Turns()

        def submit(
            app: Celery,
            context: PlanOrchestrationContext,
            step: ExecutionStep,
            queue: str,
            priority: int,
            known: KnownExecutionState,
        ) -> WatchedResult:
            number = attempt_number(known, step.key)
            return WatchedResult(
                step.key,
                lambda: _submit(app, run_id, step.key, queue, priority_of(plan_context.dagster_run, priority), number),
                watch,
                functools.partial(self._conclude, context.for_step(step), number),
                turns,
            )

        try:
            with alive(self._settings.dagster_database_url.get_secret_value(), run_id):
                yield from core_execution_loop.core_celery_execution_loop(plan_context, execution_plan, submit)
        finally:
            with suppress(WarehouseUnavailable):
                attempts.forget(connect(self._settings.database_url), run_id)

    def _conclude(self, context: IStepContext, number: int, error: Exception) -> list[str]:
        """Return the events of an attempt whose task brought an error: those that are on record, if the step had ended, else
        that it is tried again or has failed.
        """
        run, instance, step = context.dagster_run, context.instance, context.step.key
        attempts.supersede(connect(self._settings.database_url), run.run_id, step, number + 1)
        events = ended(instance, run.run_id, step, number)
        if not events:
            details = serializable_error_info_from_exc_info((type(error), error, error.__traceback__))  # type: ignore[arg-type]
            failed_before = failures(instance, run.run_id, step)
            seconds = seconds_to_next(error, failed_before, self._settings, is_tick=is_tick(run))
            if seconds is None or has_ended(instance.get_run_by_id(run.run_id)):
                description = UserFailureData(label="attempt", description=str(error) or type(error).__name__)
                events = [DagsterEvent.step_failure_event(context, StepFailureData(details, description))]
            else:
                events = [DagsterEvent.step_retry_event(context, StepRetryData(details, seconds))]
        return [serialize_value(event) for event in events]


def priority_of(run: dg.DagsterRun, priority: int) -> int:
    """Return the priority of a step's message: steps of ticks go before others. On Redis the lowest is served first."""
    return priority - 5 if is_tick(run) else priority


def _submit(app: Celery, run_id: str, step: str, queue: str, priority: int, attempt: int) -> AsyncResult:
    """Put an attempt at a step into a queue. What the step does, the workers know."""
    given = {"run_id": run_id, "step": step, "attempt": attempt}
    routing_key = f"{queue}.{TASK_EXECUTE_PLAN_NAME}"
    return app.send_task(TASK_EXECUTE_PLAN_NAME, kwargs=given, queue=queue, routing_key=routing_key, priority=priority)


def build_executor(settings: StackSettings) -> dg.ExecutorDefinition:
    """Return the executor of every job. It takes no configuration, so that no address gets into a run's."""

    @dg.executor(name="celery", requirements=dg.multiple_process_executor_requirements())
    def celery(_: dg.InitExecutorContext) -> StepExecutor:
        return StepExecutor(settings.complete())

    return celery
