"""A job on a real Celery cluster whose second step does as it is told by files in the directory that a tag of the run names.

It is also what the cluster's workers run (``celery -A toil worker``): their code differs where ``TOIL_CHANGED`` is set.
"""

# Annotations are values here: Dagster reads the types of the arguments of an op from them.
import os
import signal
import time
from pathlib import Path

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster_celery.make_app import make_app

from telemetry_pipeline.orchestration.runtime.cluster.executor import StepExecutor, celery_settings, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.step_task import StepTask
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.settings.loading import Settings

DIRECTORY = "toil/directory"


@dg.executor(name="cluster", requirements=dg.multiple_process_executor_requirements())
def cluster(_: dg.InitExecutorContext) -> StepExecutor:
    return StepExecutor(Settings.load())


def directory(context: dg.OpExecutionContext) -> Path:
    return Path(context.run.tags[DIRECTORY])


@dg.op(tags=on_queue("ingest"))
def prepare() -> int:
    return 1


@dg.op(name="other_work" if os.environ.get("TOIL_CHANGED") else "work", tags=on_queue("ingest"))
def work(context: dg.OpExecutionContext, prepared: int) -> int:
    """Wait for the file ``go-ATTEMPT`` if there is one called ``waits``."""
    files, number = directory(context), context.retry_number
    (files / f"began-{number}").touch()
    while (files / "waits").exists() and not (files / f"go-{number}").exists():
        time.sleep(0.02)
    RunGuard(context).check()
    (files / f"committed-{number}").touch()
    return prepared


@dg.op(tags=on_queue("ingest"))
def finish(worked: int) -> None:
    pass


@dg.job(executor_def=cluster)
def toil() -> None:
    finish(work(prepare()))


@dg.job(executor_def=cluster, name="other_tick" if os.environ.get("TOIL_CHANGED") else "telemetry_tick")
def tick() -> None:
    finish(work(prepare()))


defs = dg.Definitions(jobs=[toil, tick])


class Task(StepTask):
    """Dies after its step has succeeded, before anybody hears of it, if there is a file ``dies`` in the home directory."""

    def run(self, run_id: str, step: str, attempt: int) -> list[str]:
        events = super().run(run_id, step, attempt)
        dies = Path(os.environ["DAGSTER_HOME"]) / "dies"
        if dies.exists():
            dies.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return events


if url := os.environ.get("TOIL_BROKER"):
    settings = Settings.load()
    app = make_app({"broker": url, "backend": url, "config_source": celery_settings(settings)})
    app.register_task(Task(ModuleCodePointer("toil", "defs"), settings.database_url))
