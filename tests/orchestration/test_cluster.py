"""A run on real Celery workers that are lost, paused, interrupted, or of another version."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import psutil
import psycopg
import pytest
import redis
import toil
import yaml

from telemetry_pipeline import broker
from telemetry_pipeline.orchestration.runtime.cluster import lost_steps
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.addresses import postgres_url as address
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.stack.servers.reach import at_database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    # Celery leaves the sockets of its looks at workers to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SUPPORT = Path(__file__).parents[1] / "support"
COURSE = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_RESTARTED,
    dg.DagsterEventType.STEP_OUTPUT,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
}
ONCE = ["START", "OUTPUT", "SUCCESS"]
TWICE = ["START", "UP_FOR_RETRY", "RESTARTED", "OUTPUT", "SUCCESS"]


@dataclass
class Worker:
    """A Celery worker of one child, in a session of its own."""

    node: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def child(self) -> int:
        [child] = psutil.Process(self.process.pid).children()
        return child.pid

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)


@dataclass
class Cluster:
    """PostgreSQL, brokers, workers, and runs of ``toil``."""

    home: Path
    instance: dg.DagsterInstance
    threads: ThreadPoolExecutor
    workers: dict[str, Worker] = field(default_factory=dict)

    def worker(self, node: str, **environment: str) -> Worker:
        """The worker of that name; it is started if there is none."""
        url = os.environ["REDIS_URL"]
        if node not in self.workers or self.workers[node].process.poll() is not None:
            options = ["-Q", "ingest", "-c", "1", "-n", node, "--without-gossip", "--without-mingle"]
            log = self.home / node
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "celery", "-A", "toil", "worker", *options],
                    cwd=SUPPORT,
                    env=os.environ | {"TOIL_BROKER": url, **environment},
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            self.workers[node] = Worker(node, process, log)
        for _ in polling(120):
            if any(found.node == node for found in broker.workers(url)):
                return self.workers[node]
        pytest.fail(self.workers[node].log.read_text())

    def launch(self, directory: Path, job: dg.JobDefinition = toil.toil) -> Future[Run]:
        def execute() -> Run:
            tags = {toil.DIRECTORY: str(directory)}
            with dg.execute_job(dg.reconstructable(job), self.instance, tags=tags, raise_on_error=False) as result:
                return Run(self.instance, result.run_id, result.success)

        return self.threads.submit(execute)


@dataclass
class Run:
    """One that has ended."""

    instance: dg.DagsterInstance
    run_id: str
    success: bool

    def course(self, step: str = "work") -> list[str]:
        """What is on record of a step, in order."""
        events = [entry.dagster_event for entry in self.instance.all_logs(self.run_id, of_type=COURSE)]
        return [event.event_type.value.removeprefix("STEP_") for event in events if event and event.step_key == step]

    def reason(self) -> str:
        """Why its one failed step failed."""
        [entry] = self.instance.all_logs(self.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        assert entry.dagster_event
        data = entry.dagster_event.step_failure_data.user_failure_data
        return str(data.description if data else None)


def await_file(path: Path) -> None:
    for _ in polling(120):
        if path.exists():
            return
    pytest.fail(f"{path.name} did not come")


@pytest.fixture(scope="module")
def cluster(postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database toil_warehouse template template")
        connection.execute("create database toil_dagster")
    dagster_url = address(at_database(postgres_url, "toil_dagster"), driver="psycopg2")
    storage = {"module": "telemetry_pipeline.orchestration.runtime.storage", "class": "KeepingPostgresStorage"}
    config = {"storage": {"custom": {**storage, "config": {"postgres_url": dagster_url}}}, "telemetry": {"enabled": False}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as threads:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        for name, value in {
            "DAGSTER_HOME": str(home),
            "DATABASE_URL": at_database(postgres_url, "toil_warehouse"),
            "DAGSTER_DATABASE_URL": dagster_url,
            "REDIS_URL": urlsplit(redis_url)._replace(path="/8").geturl(),
            "PANACCESS_URL": "http://127.0.0.1:1/",
            "PANACCESS_USERNAME": "toil",
            "PANACCESS_PASSWORD": "toil",
            "PANACCESS_API_TOKEN": "toil",
            "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(SUPPORT.parents[1])]),
        }.items():
            patch.setenv(name, value)
        patch.setattr(lost_steps, "LOOK_SECONDS", 0.5)
        with dg.DagsterInstance.get() as instance:
            cluster = Cluster(home, instance, threads)
            try:
                yield cluster
            finally:
                for worker in cluster.workers.values():
                    if worker.process.poll() is None:
                        worker.signal(signal.SIGKILL)
                    worker.process.wait()
                gc.collect()  # results of Celery's ask their broker for a last time
                for path in ("/7", "/8"):
                    with redis.Redis.from_url(urlsplit(redis_url)._replace(path=path).geturl()) as client:
                        client.flushdb()


def claims() -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("select count(*) from telemetry.step_attempts").fetchone()
        return int(row[0]) if row else 0


@pytest.mark.parametrize("job", [toil.toil, toil.tick], ids=["step", "job"])
@pytest.mark.slow
def test_what_the_code_of_the_workers_does_not_know_fails_its_run_at_once(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: dg.JobDefinition
) -> None:
    """A dependent step waits meanwhile: Dagster's loop must neither spin nor go on waiting."""
    monkeypatch.setenv("REDIS_URL", os.environ["REDIS_URL"].removesuffix("8") + "7")
    cluster.worker("changed@here", TOIL_CHANGED="yes")
    run = cluster.launch(tmp_path, job).result(120)
    step = "prepare" if job is toil.tick else "work"
    assert not run.success
    assert (run.course(step), run.course("finish")) == (["FAILURE"], [])
    assert f"the worker changed@here cannot execute step {step} of {job.name}" in run.reason()
    assert "restart the workers" in run.reason()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.slow
def test_a_step_whose_process_is_ended_is_tried_again(cluster: Cluster, tmp_path: Path, number: signal.Signals) -> None:
    worker = cluster.worker("first@here")
    for name in ("waits", "go-1"):
        (tmp_path / name).touch()
    running = cluster.launch(tmp_path)
    await_file(tmp_path / "began-0")
    os.kill(worker.child, number)
    run = running.result(120)
    assert run.success
    assert run.course() == TWICE
    assert claims() == 0


@pytest.mark.slow
def test_a_step_that_had_succeeded_when_its_process_died_is_not_executed_again(cluster: Cluster, tmp_path: Path) -> None:
    cluster.worker("first@here")
    (cluster.home / "dies").touch()
    run = cluster.launch(tmp_path).result(120)
    assert not (cluster.home / "dies").exists()
    assert run.success
    assert [run.course(step) for step in ("prepare", "work", "finish")] == [ONCE, ONCE, ["START", "OUTPUT", "SUCCESS"]]


@pytest.mark.parametrize("whole", [True, False], ids=["all of it", "its main process"])
@pytest.mark.slow
def test_a_paused_worker_whose_step_another_one_has_leaves_no_trace(cluster: Cluster, tmp_path: Path, whole: bool) -> None:
    """It wakes up while the other is at work, and goes on where it was."""
    (tmp_path / "waits").touch()
    for worker in cluster.workers.values():
        if worker.node == "second@here":
            worker.signal(signal.SIGSTOP)  # so that the first one gets the step
    paused = cluster.worker("first@here")
    running = cluster.launch(tmp_path)
    await_file(tmp_path / "began-0")
    if "second@here" in cluster.workers:
        cluster.workers["second@here"].signal(signal.SIGCONT)
    cluster.worker("second@here")
    said = len(paused.log.read_text())
    signalled = paused.signal if whole else psutil.Process(paused.process.pid).send_signal
    signalled(signal.SIGSTOP)
    await_file(tmp_path / "began-1")
    (tmp_path / "go-0").touch()
    signalled(signal.SIGCONT)
    for _ in polling(120):
        if "another attempt" in paused.log.read_text()[said:]:
            break
    else:
        pytest.fail(paused.log.read_text())
    (tmp_path / "go-1").touch()
    run = running.result(120)
    assert run.success
    assert run.course() == TWICE
    assert not (tmp_path / "committed-0").exists()


@pytest.mark.slow
def test_the_step_of_a_lost_worker_is_tried_again_by_another(cluster: Cluster, tmp_path: Path) -> None:
    for name in ("waits", "go-1"):
        (tmp_path / name).touch()
    other = cluster.worker("second@here")
    other.signal(signal.SIGSTOP)
    lost = cluster.worker("first@here")
    running = cluster.launch(tmp_path)
    await_file(tmp_path / "began-0")
    other.signal(signal.SIGCONT)
    lost.signal(signal.SIGKILL)
    run = running.result(120)
    assert run.success
    assert run.course() == TWICE


@pytest.mark.slow
def test_a_second_worker_of_one_name_is_refused_with_advice(cluster: Cluster) -> None:
    """Each would take what the other has for its own."""
    first = cluster.worker("first@here")
    real = [
        "-A",
        "telemetry_pipeline.orchestration.runtime.celery_app",
        "worker",
        "-Q",
        "ingest",
        "-c",
        "1",
        "-n",
        first.node,
    ]
    second = subprocess.run([sys.executable, "-m", "celery", *real], capture_output=True, text=True, timeout=150, check=False)
    assert second.returncode == 1
    said = f"A worker named first@here is at work already (process {first.process.pid} of its machine). End that one, or give"
    assert said in " ".join(second.stderr.split())
    assert "-n first2@%h" in second.stderr
    assert first.process.poll() is None
