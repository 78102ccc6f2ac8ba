"""What ``orchestration/runtime`` relies on in Dagster beyond what it promises: a table that a new version has to keep."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import version

import dagster as dg
import pytest
from private_parts import (
    Check,
    all_of,
    an_error,
    being,
    having,
    imported_by_the_runtime,
    imported_elsewhere,
    made_of,
    method,
    named_in_files,
    setting,
    taking,
    there,
)

IMPORTED: dict[str, tuple[str, Check]] = {
    "dagster._cli.api:grpc_command": ("starts the code server with the options of 'dagster api grpc'", there),
    "dagster._core.code_pointer:ModuleCodePointer": (
        "names the definitions",
        made_of("telemetry_pipeline.definitions", "defs"),
    ),
    "dagster._core.code_pointer:CodePointer": ("is what names where the definitions are", there),
    "dagster._core.definitions.reconstruct:ReconstructableRepository": (
        "gives a worker the job of a run",
        having("get_reconstructable_job"),
    ),
    "dagster._core.errors:DagsterCodeLocationLoadError": ("is raised while the code server restarts", an_error),
    "dagster._core.errors:DagsterCodeLocationNotFoundError": ("is raised while the code server restarts", an_error),
    "dagster._core.errors:DagsterUserCodeUnreachableError": ("is raised while the code server restarts", an_error),
    "dagster._core.errors:DagsterExecutionInterruptedError": (
        "is raised in a step whose process is told to end",
        lambda symbol: None if issubclass(symbol, BaseException) else "it is no exception",
    ),
    "dagster._core.errors:DagsterLaunchFailedError": ("has a run marked as failed that cannot be launched", an_error),
    "dagster._core.events:DagsterEvent": (
        "makes the end of an attempt",
        having("step_failure_event", "step_retry_event"),
    ),
    "dagster._core.events:EngineEventData": ("says which worker has a step", taking("metadata", "marker_end")),
    "dagster._core.events:JobFailureData": ("says why a run failed where no step did", having("error")),
    "dagster._core.events:RunFailureReason": (
        "is the value of the tag that says why a run failed",
        lambda symbol: being("STEP_FAILURE")(symbol.STEP_FAILURE.value),
    ),
    "dagster._core.execution.api:create_execution_plan": (
        "plans the one step of a worker",
        taking("job", "run_config", "step_keys_to_execute", "known_state"),
    ),
    "dagster._core.execution.api:execute_plan_iterator": (
        "executes the one step of a worker",
        taking("execution_plan", "job", "dagster_run", "instance", "retry_mode", "run_config"),
    ),
    "dagster._core.execution.context.system:IStepContext": ("is what an event of a step is made with", having("step")),
    "dagster._core.execution.context.system:PlanOrchestrationContext": ("tells the run", having("run_id", "for_step")),
    "dagster._core.execution.plan.objects:ErrorSource": ("tells an interruption from a failure", having("INTERRUPT")),
    "dagster._core.execution.plan.objects:StepFailureData": (
        "says why a step failed",
        having("error", "user_failure_data"),
    ),
    "dagster._core.execution.plan.objects:StepRetryData": (
        "says when it is tried again",
        having("error", "seconds_to_wait"),
    ),
    "dagster._core.execution.plan.objects:UserFailureData": ("says it in our words", having("label", "description")),
    "dagster._core.execution.plan.plan:ExecutionPlan": ("is what the loop executes", there),
    "dagster._core.execution.plan.state:KnownExecutionState": (
        "counts the attempts at a step",
        all_of(having("get_retry_state"), taking("previous_retry_attempts")),
    ),
    "dagster._core.execution.plan.step:ExecutionStep": ("is what the loop submits", having("key")),
    "dagster._core.execution.retries:RetryMode": (
        "leaves retries to the run's process",
        having("ENABLED", "for_inner_plan"),
    ),
    "dagster._core.execution.stats:StepEventStatus": ("says how a step ended", having("SUCCESS", "SKIPPED")),
    "dagster._core.snap.execution_plan_snapshot:ExecutionStepSnap": ("says what a step makes", having("key", "outputs")),
    "dagster._core.instance:InstanceRef": (
        "makes an instance of this environment",
        having("from_dir", "config_defaults"),
    ),
    "dagster._core.instance.factory:create_instance_from_ref": ("makes the code server's instance", there),
    "dagster._core.instance.runs.run_domain:RunDomain": (
        "makes runs, whoever launches them",
        all_of(
            method("create_run", "job_name", "tags", "run_config"),
            method("_log_asset_planned_events", "dagster_run"),
        ),
    ),
    "dagster._core.launcher:CheckRunHealthResult": ("tells run monitoring of a lost process", taking("status", "msg")),
    "dagster._core.launcher:LaunchRunContext": ("is what a launch is about", taking("dagster_run", "workspace")),
    "dagster._core.launcher:WorkerStatus": ("says whether a process lives", having("RUNNING", "SUCCESS", "FAILED")),
    "dagster._core.remote_representation.code_location:GrpcServerCodeLocation": (
        "can be asked whether it answers",
        setting("client"),
    ),
    "dagster._core.scheduler.instigation:InstigatorState": (
        "has the moment of a last tick",
        having("instigator_data", "with_data"),
    ),
    "dagster._core.storage.dagster_run:DagsterRun": ("is a run", having("remote_job_origin")),
    "dagster._core.storage.dagster_run:RunRecord": ("is what the daemon is shown of a run", having("dagster_run")),
    "dagster._core.storage.schedules.schema:JobTickTable": (
        "has the ticks",
        lambda table: None if "timestamp" in table.c else "it has no timestamp",
    ),
    "dagster._core.storage.schedules.sql_schedule_storage:SqlScheduleStorage": (
        "keeps ticks and last ticks",
        having("connect", "all_instigator_state", "update_instigator_state"),
    ),
    "dagster._core.storage.tags:AUTO_RETRY_RUN_ID_TAG": (
        "says that Dagster has repeated a run",
        being("dagster/auto_retry_run_id"),
    ),
    "dagster._core.storage.tags:RUN_FAILURE_REASON_TAG": ("says why a run failed", being("dagster/failure_reason")),
    "dagster._core.storage.tags:SCHEDULE_NAME_TAG": (
        "says which schedule launched a run",
        being("dagster/schedule_name"),
    ),
    "dagster._core.storage.tags:SENSOR_NAME_TAG": ("says which sensor launched a run", being("dagster/sensor_name")),
    "dagster._core.storage.tags:WILL_RETRY_TAG": ("says that Dagster repeats a run", being("dagster/will_retry")),
    "dagster._core.workspace.context:IWorkspaceProcessContext": (
        "has the code servers",
        having("create_request_context"),
    ),
    "dagster._core.workspace.context:WorkspaceProcessContext": (
        "has what the web server shows",
        taking("instance", "workspace_load_target", "version"),
    ),
    "dagster._core.workspace.context:WorkspaceRequestContext": (
        "is what one request may see and change",
        taking("instance", "current_workspace", "process_context", "version", "source", "read_only"),
    ),
    "dagster._core.workspace.load_target:WorkspaceFileTarget": ("reads workspace.yaml", having("paths")),
    "dagster._grpc.server:DagsterApiServer": ("begins the processes of runs with what is in _mp_ctx", setting("_mp_ctx")),
    "dagster._daemon.auto_run_reexecution.auto_run_reexecution:consume_new_runs_for_automatic_reexecution": (
        "repeats runs",
        taking("workspace_process_context", "run_records", "logger"),
    ),
    "dagster._daemon.auto_run_reexecution.auto_run_reexecution:filter_runs_to_should_retry": (
        "says which",
        taking("runs", "instance"),
    ),
    "dagster._daemon.auto_run_reexecution.event_log_consumer:EventLogConsumerDaemon": (
        "takes what repeats runs from a property",
        lambda symbol: (
            None
            if isinstance(inspect.getattr_static(symbol, "handle_updated_runs_fns", None), property)
            else "handle_updated_runs_fns is no property"
        ),
    ),
    "dagster._daemon.types:DaemonHeartbeat": ("is the first thing that the daemon stores", there),
    "dagster._serdes:ConfigurableClassData": (
        "names a class with its settings",
        taking("module_name", "class_name", "config_yaml"),
    ),
    "dagster._time:datetime_from_timestamp": ("gives a moment as the storage compares it", there),
    "dagster._utils.error:serializable_error_info_from_exc_info": (
        "makes an error that events hold",
        taking("exc_info"),
    ),
    "dagster._utils.log:configure_loggers": ("sets up the web server's log", taking("formatter", "log_level")),
    "dagster_celery:core_execution_loop": (
        "submits steps by a function, asks ready, get and revoke of what that returns, and sleeps for TICK_SECONDS in between",
        all_of(
            lambda module: taking("job_context", "execution_plan", "step_execution_fn")(module.core_celery_execution_loop),
            lambda module: being(True)("sleep(TICK_SECONDS)" in inspect.getsource(module.core_celery_execution_loop)),
        ),
    ),
    "dagster_celery.config:TASK_EXECUTE_PLAN_NAME": ("is the name of the task of a step", being("execute_plan")),
    "dagster_celery.core_execution_loop:DELEGATE_MARKER": ("marks when a worker took a step", being("celery_queue_wait")),
    "dagster_celery.executor:CeleryExecutor": (
        "is told the broker and Celery's settings",
        all_of(
            taking("retries", "broker", "backend", "config_source"),
            method("execute", "plan_context", "execution_plan"),
        ),
    ),
    "dagster_celery.make_app:make_app": ("makes the workers' Celery", taking("app_args")),
    "dagster_graphql.schema.errors:GraphenePythonError": ("is how a refusal is answered", there),
    "dagster_graphql.schema.runs:parse_run_config_input": (
        "reads the parameters of a launch, as YAML, JSON or an object",
        taking("run_config", "raise_on_error"),
    ),
    "dagster_postgres.event_log:PostgresEventLogStorage": (
        "keeps its engine in _engine",
        all_of(setting("_engine"), method("optimize_for_webserver")),
    ),
    "dagster_postgres.run_storage:PostgresRunStorage": (
        "hears of heartbeats",
        method("add_daemon_heartbeat", "daemon_heartbeat"),
    ),
    "dagster_postgres.schedule_storage:PostgresScheduleStorage": (
        "keeps its engine in _engine",
        all_of(setting("_engine"), method("optimize_for_webserver")),
    ),
    "dagster_postgres.storage:DagsterPostgresStorage": (
        "makes the tables, and is the three storages",
        all_of(
            taking("postgres_url", "should_autocreate_tables", "inst_data"),
            *map(setting, ("_event_log_storage", "_schedule_storage", "_run_storage")),
        ),
    ),
    "dagster_postgres.utils:DagsterPostgresException": (
        "is raised when PostgreSQL is away",
        lambda symbol: None if issubclass(symbol, Exception) else "it is no exception",
    ),
    "dagster_postgres.utils:pg_url_from_config": ("reads the address in dagster.yaml", taking("config_value")),
    "dagster_shared.error:SerializableErrorInfo": ("is an error in an event", having("cls_name", "cause", "message")),
    "dagster_shared.record:copy": ("makes a run with other tags", there),
    "dagster_shared.serdes:deserialize_value": ("reads an event that a worker returned", there),
    "dagster_shared.serdes:serialize_value": ("writes an event that a worker returns", there),
    "dagster_webserver.webserver:DagsterWebserver": (
        "is the web server, and makes its GraphQL schema in a method",
        all_of(
            taking("process_context", "app_path_prefix", "live_data_poll_rate"),
            having("build_graphql_schema", "create_asgi_app", "_make_request_context"),
            setting("_process_context"),
        ),
    ),
    "dagster_webserver.version:__version__": ("is the web server's version", there),
}
NAMED = {
    "dagster._core.run_coordinator:DefaultRunCoordinator": "launches a run as soon as it is asked for",
    "dagster._core.storage.noop_compute_log_manager:NoOpComputeLogManager": "keeps no output of steps, which is in the logs",
    "dagster._core.scheduler:DagsterDaemonScheduler": "has schedules run by the daemon",
    "dagster._daemon:": "is started as the daemon, 'dagster-daemon run' without its console script",
}
"""What files of ours name of Dagster's private modules."""
OVERRIDDEN: dict[type, tuple[str, Check]] = {
    dg.DagsterInstance: (
        "is made by a class that dagster.yaml names, and asks these of itself",
        all_of(
            having("run_domain", "from_ref", "get_ref", "optimize_for_webserver"),
            method("_get_event_batch_size"),
            method("handle_new_event", "event"),
        ),
    ),
    dg.DefaultRunLauncher: (
        "launches runs, and is asked of lost ones",
        all_of(
            having("supports_check_run_worker_health", "_instance"),
            method("launch_run", "context"),
            method("check_run_worker_health", "run"),
        ),
    ),
}


def test_the_table_of_what_files_name_has_all_of_it() -> None:
    assert named_in_files() == NAMED.keys()


@pytest.mark.parametrize("name", sorted(NAMED))
def test_this_version_of_dagster_has_what_files_name(name: str) -> None:
    module, _, symbol = name.partition(":")
    try:
        found = import_module(module)
        assert not symbol or hasattr(found, symbol)
    except (ImportError, AssertionError):
        pytest.fail(f"{name} {NAMED[name]}. It is not in Dagster {version('dagster')}", pytrace=False)


def test_the_table_has_every_private_part_that_is_used_and_no_other() -> None:
    assert imported_by_the_runtime() == IMPORTED.keys()


@pytest.mark.slow  # the whole product is read
def test_nobody_else_knows_a_private_part() -> None:
    assert imported_elsewhere() == set()


@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_this_version_of_dagster_has_what_is_relied_on(name: str) -> None:
    relied, check = IMPORTED[name]
    module, _, symbol = name.partition(":")
    try:
        problem = check(getattr(import_module(module), symbol))
    except (ImportError, AttributeError, TypeError, ValueError) as err:
        problem = str(err)
    if problem:
        pytest.fail(f"{name} {relied}. Not so in Dagster {version('dagster')}: {problem}", pytrace=False)


@pytest.mark.parametrize("kind", OVERRIDDEN, ids=lambda kind: kind.__name__)
def test_this_version_of_dagster_asks_what_is_overridden(kind: type) -> None:
    relied, check = OVERRIDDEN[kind]
    if problem := check(kind):
        pytest.fail(f"{kind.__name__} {relied}. Not so in Dagster {version('dagster')}: {problem}", pytrace=False)
