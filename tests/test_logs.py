"""What is on a log line and in which file it ends up; and what never is on one."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from _pytest.logging import LogCaptureHandler

from telemetry_pipeline.errors import LoginRejected, PanAccessError, SettingsError
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.logs.lines import without_data
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials, LocalStore
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder

PROJECT = Path(__file__).parents[1]
UTC = ZoneInfo("UTC")
DAY = date(2025, 3, 6)

FAULTS: list[dict[str, Any]] = [
    {"kind": "error", "status": 503, "times": 2},
    {"kind": "drop", "times": 1},
    {"kind": "expired_session", "times": 1},
    {"kind": "malformed", "record_id": 7},
    {"kind": "malformed"},
    {"kind": "error"},
]

Configure = Callable[..., None]


@pytest.fixture
def configure(tmp_path: Path) -> Iterator[Configure]:
    """Configures the logs of this process for a test."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def configure(**settings: Any) -> None:
        logs.configure(StackSettings(log_directory=tmp_path / "logs", **settings))

    yield configure
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def written(tmp_path: Path, file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "logs" / f"{file}.log").read_text().splitlines()]


def test_upstream_calls_have_a_file_of_their_own_and_errors_are_in_two(tmp_path: Path, configure: Configure) -> None:
    configure()
    logging.getLogger("anything").info("usual")
    logging.getLogger("anything").error("bad")
    logging.getLogger("telemetry_pipeline.sources.panaccess").info("called")
    assert [line["message"] for line in written(tmp_path, "pipeline")] == ["usual", "bad"]
    assert [line["message"] for line in written(tmp_path, "errors")] == ["bad"]
    assert [line["message"] for line in written(tmp_path, "upstream")] == ["called"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "logs").iterdir())


def test_configuring_twice_writes_no_line_twice(tmp_path: Path, configure: Configure) -> None:
    configure()
    configure()
    logging.getLogger("anything").warning("once")
    assert len(written(tmp_path, "pipeline")) == 1


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(SettingsError, match="logs cannot be used as LOG_DIRECTORY"):
        configure()


@pytest.fixture
def a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, configure: Configure) -> str:
    """A run whose first step logs in every way and whose second fails, with the ``python_logs`` of our ``dagster.yaml``."""
    monkeypatch.setenv("LOG_DIRECTORY", str(tmp_path / "logs"))
    days = dg.DailyPartitionsDefinition("2025-01-01")

    @dg.asset(partitions_def=days)
    def talking(context) -> None:  # type: ignore[no-untyped-def] # Dagster cannot read annotations that are strings
        context.log.info("by Dagster")
        context.log.debug("nobody asked")
        logging.getLogger("library").warning("by a library")
        thread = threading.Thread(target=logging.getLogger("library").warning, args=["by its thread"])
        thread.start()
        thread.join()

    @dg.asset(partitions_def=days, deps=[talking])
    def failing() -> None:
        try:
            raise ValueError(f"a row is wrong\nDETAIL: subscriber {4700 + 11}")
        except ValueError as err:
            raise dg.Failure("it does not work") from err

    python_logs = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["python_logs"]
    overrides = {"telemetry": {"enabled": False}, "python_logs": python_logs}
    configure()
    logging.getLogger("library").warning("before")
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides) as instance:
        done = dg.materialize([talking, failing], instance=instance, partition_key="2025-03-06", raise_on_error=False)
    logging.getLogger("library").warning("afterwards")
    return done.run_id


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_every_line_of_a_step_carries_run_step_and_partition_whoever_writes_it(a_run: str, tmp_path: Path) -> None:
    lines = {line["message"]: line for line in written(tmp_path, "pipeline")}
    assert "nobody asked" not in lines
    for message in ("by Dagster", "by a library", "by its thread"):
        assert (lines[message]["run"], lines[message]["step"]) == (a_run, "talking")
        assert lines[message]["partition"] == "2025-03-06"
    for message in ("before", "afterwards"):
        assert not {"run", "step", "partition"} & lines[message].keys()
    assert lines['Started execution of step "failing".']["step"] == "failing"


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_step_that_fails_is_in_the_errors_with_its_causes_and_without_the_rows_that_they_quote(
    a_run: str, tmp_path: Path
) -> None:
    failure = next(line for line in written(tmp_path, "errors") if line.get("step") == "failing")
    assert (failure["run"], failure["level"]) == (a_run, "ERROR")
    assert [line for line in failure["error"] if "it does not work" in line]
    assert [line for line in failure["error"] if "a row is wrong" in line]
    assert "4711" not in (tmp_path / "logs" / "errors.log").read_text()


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("to redis://:sesame@host:6379/0", "to redis://***@host:6379/0"),
        ("to postgresql://me:ses%40me@host/db failed", "to postgresql://***@host/db failed"),
        ("to postgresql://me:a/b@c@host/db?sslpassword=x failed", "to postgresql://***@host/db?sslpassword=***"),
        ("(UniqueViolation) twice\nDETAIL:  Key (code)=(4711)\n[SQL: insert]\n[parameters: (4711)]", "(UniqueViolation) twice"),
        ("bad\nCONTEXT:  COPY records, line 3: 4711", "bad"),
        ("PanAccess at http://host/api", "PanAccess at http://host/api"),
    ],
)
def test_passwords_of_urls_and_rows_that_databases_quote_are_taken_out(message: str, clean: str) -> None:
    assert without_data(message) == clean


def test_exceptions_are_logged_with_their_causes_and_the_first_lines_of_their_messages(
    tmp_path: Path, configure: Configure
) -> None:
    configure()
    try:
        try:
            raise LookupError("inner\nDETAIL: 4711")
        except LookupError as err:
            raise ValueError("outer\nDETAIL: 4711") from err
    except ValueError:
        logging.getLogger("anything").exception("failed")
    [line] = written(tmp_path, "errors")
    assert line["error"][0] == "ValueError: outer"
    assert any("test_logs.py" in part for part in line["error"])
    assert [part for part in line["error"] if part.startswith("LookupError: inner")]
    assert not [part for part in line["error"] if part.startswith(("DETAIL", "4711"))]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_output_is_text_for_people_or_json_for_machines(
    as_json: bool, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(log_format="json" if as_json else "text")
    logging.getLogger("anything").warning("look", extra={"run": "49519adc-08f1", "step": "ott_views", "partition": None})
    logging.getLogger("telemetry_pipeline.sources.panaccess").info("one of thousands")
    err = capsys.readouterr().err
    if as_json:
        assert json.loads(err)["message"] == "look"
    else:
        assert err.rstrip().endswith("WARNING  [49519adc ott_views] look")


FORGED = "no\n2026-11-21 05:39:50,000 ERROR    all is lost \x1b[2J\x9b\u202e \ud800 ñ"


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_comes_from_elsewhere_makes_no_line_of_its_own_and_commands_no_terminal(
    as_json: bool, tmp_path: Path, configure: Configure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(log_format="json" if as_json else "text")
    # What pytest keeps of a log goes from process to process, which text that no UTF-8 can write does not.
    monkeypatch.setattr(LogCaptureHandler, "emit", lambda self, entry: None)
    logging.getLogger("anything").error("%s", FORGED, extra={"run": "a\nb", "step": "\x1b[2J"})
    err = capsys.readouterr().err
    file = (tmp_path / "logs" / "errors.log").read_text()
    assert not set("\x1b\x9b\u202e") & set(err + file)
    assert len(file.splitlines()) == 1
    assert [line for line in err.splitlines() if line.startswith("2026-11-21")] == []
    [line] = written(tmp_path, "errors")
    assert line["message"] == FORGED.replace("\ud800", "\\ud800")
    assert "ñ" in file
    assert "--- Logging error" not in err


WRITE = """
import logging, sys
from pathlib import Path
from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.settings.loading import StackSettings

logs._FILE_BYTES = 60_000
logs.configure(StackSettings(log_directory=Path(sys.argv[1])))
for count in range(300):
    logging.getLogger("anything").info("%s", f"{sys.argv[2]}-{count}-" + "x" * 100)
"""


def test_several_processes_write_and_rotate_the_same_file_and_no_line_is_lost_or_torn(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), str(number)], stderr=subprocess.DEVNULL, cwd=tmp_path)
        for number in range(3)
    ]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    files = list(tmp_path.glob("pipeline.log*"))
    assert len(files) > 2
    found = [json.loads(line)["message"][:-100] for file in files for line in file.read_text().splitlines()]
    assert sorted(found) == sorted(f"{number}-{count}-" for number in range(3) for count in range(300))


def test_a_sync_in_trouble_leaves_no_personal_data_and_no_secret_in_any_line(
    tmp_path: Path, configure: Configure, engine: sa.Engine, simulator: Callable[..., SimulatorServer]
) -> None:
    people = {f"SUBSCRIBER{number}": f"203.0.113.{number}" for number in range(1, 40)}
    secrets = ("hunter-two", "token-of-ours", "salt-of-ours")
    server = simulator(password=secrets[0], api_token=secrets[1], salt=secrets[2], page_cap=10)
    server.add_records(
        {
            "recordId": number,
            "timestamp": "2025-03-06 12:00:00" if number % 5 else "no time",
            "subscriberCode": code,
            "ip": address,
            "dataName": "name",
        }
        for number, (code, address) in enumerate(people.items(), 1)
    )
    configure()

    store = LocalStore()

    def sync(credentials: Credentials) -> None:
        client = PanAccessClient(server.url, credentials, store=store, retry_seconds=0.001)
        feed = Feed(client, PageDecoder(UTC, UTC), UTC)
        try:
            Sync(engine=engine, feed=feed, operator_zone=UTC, deadline=float("inf")).run(DAY, DAY, includes_today=True)
        except (PanAccessError, LoginRejected):
            logging.getLogger("anything").exception("the sync failed")

    right = Credentials("simulator", *secrets)
    sync(Credentials("simulator", "wrong-but-close", secrets[1], secrets[2]))
    for fault in FAULTS:
        server.set_faults([fault])
        sync(right)
    server.set_faults([])
    sync(right)
    calls = written(tmp_path, "upstream")
    assert {line["function"] for line in calls} >= {"login", "getListOfTelemetryRecords"}
    assert {line.get("status") for line in calls} >= {200, 503}
    assert max(line["try"] for line in calls) > 1
    assert written(tmp_path, "errors")
    text = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    session = store.get(f"telemetry:panaccess:{right.fingerprint(server.url)}:session")
    assert session
    for private in (*people, *people.values(), *secrets, right.password_digest, "wrong-but-close", session):
        assert private not in text
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from telemetry.rejected_records")) >= 7
