"""``cursor`` and ``adopt`` under an upstream that lies, and what ``status``, ``doctor`` and the watch say of it meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from upstream import Upstream
from warehouse_events import select

from telemetry_pipeline.errors import AnotherUpstream
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.monitoring.components import Addresses, Components
from telemetry_pipeline.monitoring.facts import upstream as upstream_facts
from telemetry_pipeline.simulator.options import (
    DEFAULT_API_TOKEN,
    DEFAULT_PASSWORD,
    DEFAULT_SALT,
    DEFAULT_USERNAME,
)
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.raw import cursor

LARGEST = 2**63 - 1
FIRST = 5_000_000_000
ZONE, UTC_ZONE = ZoneInfo("America/Mexico_City"), ZoneInfo("UTC")
Cli = Callable[..., Outcome]


@dataclass
class Scene:
    """A simulator and what syncs with it have stored."""

    upstream: SimulatorServer
    engine: sa.Engine
    database_url: str
    redis_url: str

    def tick(self) -> int:
        """How many records were new."""
        client = PanAccessClient(
            self.upstream.url, Credentials(DEFAULT_USERNAME, DEFAULT_PASSWORD, DEFAULT_API_TOKEN, DEFAULT_SALT)
        )
        feed = Feed(client, PageDecoder(UTC_ZONE, ZONE), UTC_ZONE)
        sync = Sync(self.engine, feed, ZONE, time.monotonic() + 60)
        today = datetime.now(ZONE).date()
        sync.run(today, today, includes_today=True)
        return sync.outcome.stored

    def refused(self) -> None:
        """A tick that stores nothing."""
        before = self.records
        with pytest.raises(AnotherUpstream):
            self.tick()
        assert self.records == before

    def add(self, *ids: int) -> None:
        """New records of now."""
        stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        self.upstream.add_records({"recordId": one, "actionId": 7, "timestamp": stamp} for one in ids)

    @property
    def records(self) -> int:
        return int(select(self.engine, "select count(*) from telemetry.records")[0][0])

    @property
    def newest(self) -> int:
        return int(self.upstream.records()[-1]["recordId"])

    @property
    def told(self) -> list[str]:
        return [each.key for each in problems.open_problems(self.engine)]

    def ticks_have_stopped(self) -> bool:
        """Whether the watch says so, a quarter of an hour after all syncs before the last one."""
        at = Addresses(self.engine, self.engine, self.redis_url, "http://127.0.0.1:9/")
        times = iter([datetime.now(UTC) - timedelta(days=1)])
        look = Components(at, timedelta(minutes=10), lambda: next(times, datetime.now(UTC))).look()
        return look["ticks"].fault is not None

    def let_time_pass(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text("update telemetry.sync_state set synced_at = synced_at - interval '15 minutes'"))
            connection.execute(sa.text("update telemetry.problems set last_at = last_at - interval '15 minutes'"))


@pytest.fixture
def scene(
    simulator: Callable[..., SimulatorServer],
    engine: sa.Engine,
    database_url: str,
    broker_url: str,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """2,000 records of which all are stored."""
    upstream = simulator(records_count=2_000, days=3, late_ids=0)
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": broker_url,
        "PANACCESS_URL": upstream.url,
        "PANACCESS_USERNAME": DEFAULT_USERNAME,
        "PANACCESS_PASSWORD": DEFAULT_PASSWORD,
        "PANACCESS_API_TOKEN": DEFAULT_API_TOKEN,
        "PANACCESS_SALT": DEFAULT_SALT,
    }.items():
        monkeypatch.setenv(name, value)
    scene = Scene(upstream, engine, database_url, broker_url)
    assert scene.tick() == 2_000
    return scene


def upstream_line(outcome: Outcome) -> str:
    [line] = [line for line in outcome.out.splitlines() if line.startswith("upstream ")]
    return line.split(maxsplit=1)[1]


def doctor_says(cli: Cli, check: str) -> str:
    [line] = [line for line in cli("doctor").out.splitlines() if f" {check}: " in line]
    return line


def test_all_is_well(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    shown = cli("cursor")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        f"cursor         record id {newest}",
        f"upstream       newest is record id {newest}, 0 ids above the cursor",
    ]
    assert cli("status").status == 0
    assert doctor_says(cli, "record ids").startswith("ok ")


def test_a_record_of_an_absurd_id_is_told_held_and_left_out(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    scene.add(LARGEST, newest + 1, newest + 2)
    assert scene.tick() == 2
    assert scene.told == ["upstream:jump"]
    scene.add(newest + 3)

    status = cli("status")
    assert status.status == 1
    assert upstream_line(status) == (
        f"newest is record id {LARGEST}; id {LARGEST}, behind a jump, holds the cursor; before it 1 ids ahead of the cursor"
    )
    facts = json.loads(cli("status", "--format", "json").out)
    assert facts["upstream"] == {
        "newest_record_id": LARGEST,
        "newest_record_id_before_jump": newest + 3,
        "ids_behind": 1,
        "error": None,
    }
    assert facts["warehouse"]["jump"] == {"record_id": LARGEST, "left_out": False}
    assert doctor_says(cli, "record ids").startswith("failed ")
    shown = cli("cursor")
    assert shown.status == 1
    assert f"upstream       newest is record id {LARGEST}; before the jump {newest + 3}, 1 ids above the cursor" in shown.out
    assert f"held           the next record is {LARGEST}" in shown.out
    assert "It is the only record there." in shown.out

    scene.let_time_pass()
    assert scene.tick() == 1
    assert not scene.ticks_have_stopped()
    ignored = cli("cursor", "--ignore", "--yes")
    assert (ignored.status, ignored.err) == (0, "")
    assert ignored.out.startswith(f"Records from id {LARGEST} on are left out")
    scene.tick()
    assert scene.told == []
    assert (cli("status").status, cli("cursor").status) == (0, 0)
    assert "is left out; before it 0 ids ahead" in upstream_line(cli("status"))
    assert "left out       records from id" in cli("cursor").out
    assert json.loads(cli("status", "--format", "json").out)["warehouse"]["jump"]["left_out"] is True


def test_ids_that_are_renumbered_upwards_are_accepted(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    scene.add(*(newest + 10**12 + one for one in range(7)))
    assert scene.tick() == 0
    assert "7 records are there." in cli("cursor").out
    accepted = cli("cursor", "--accept", "--yes")
    assert accepted.status == 0
    assert accepted.out.splitlines()[0].startswith(f"The cursor goes from {newest} up to {newest + 10**12 - 1}: ")
    assert scene.tick() == 7
    assert scene.told == []
    assert cli("status").status == 0


def test_a_stray_record_that_was_accepted_is_made_good(cli: Cli, scene: Scene) -> None:
    """What was accepted in error would hide all that comes below."""
    newest = scene.newest
    scene.add(LARGEST)
    scene.tick()
    cli("cursor", "--accept", "--yes")
    scene.add(newest + 1)
    scene.tick()
    assert cursor.read(scene.engine).record_id == LARGEST
    back = cli("cursor", "--set", str(newest), "--yes")
    assert back.out.splitlines()[0].startswith(f"The cursor goes from {LARGEST} back to {newest}: ids above are read again")
    assert scene.tick() == 1
    assert scene.told == ["upstream:jump"]
    cli("cursor", "--ignore", "--yes")
    scene.tick()
    assert (scene.told, cursor.read(scene.engine).record_id) == ([], newest + 1)


def test_all_can_be_read_anew(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    assert cli("cursor", "--set", "0", "--yes").status == 0
    assert scene.tick() == 0
    assert (scene.told, cursor.read(scene.engine).record_id, scene.records) == ([], newest, 2_000)
    assert "set by hand" in cli("cursor").out


@pytest.mark.parametrize("answer", ["n", "y"])
@pytest.mark.parametrize("arguments", [["cursor", "--set", "7"], ["adopt", "--same"], ["adopt", "--begins-at", "6000000000"]])
def test_nothing_changes_without_consent(
    cli: Cli, scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: str, arguments: list[str]
) -> None:
    def state() -> Any:
        return select(scene.engine, "select cursor, compared_after from telemetry.sync_state")

    before = state()
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    outcome = cli(*arguments)
    assert outcome.status == (130 if answer == "n" else 0)
    assert (state() == before) == (answer == "n")


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["cursor", "--accept", "--yes"], 1, "no jump holds the cursor"),
        (["cursor", "--ignore", "--yes"], 1, "no jump holds the cursor"),
        (["cursor", "--accept", "--ignore"], 2, "Give one of --set, --accept and --ignore."),
        (["cursor", "--set", "5", "--accept"], 2, "Give one of --set, --accept and --ignore."),
        (["cursor", "--set", "-1"], 2, "-1"),
        (["cursor", "--set", str(2**63)], 2, str(2**63)),
        (["cursor", "--set", "5e9"], 2, "5e9"),
        (["adopt", "--same", "--begins-at", "5"], 2, "Give either --same or --begins-at."),
        (["adopt", "--begins-at", "0"], 2, "0"),
        (["adopt", "--begins-at", str(2**63)], 2, str(2**63)),
        (["adopt", "--begins-at", str(FIRST), "--yes"], 1, "2,000 records are stored with id"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused(cli: Cli, scene: Scene, arguments: list[str], status: int, complaint: str) -> None:
    before = cursor.read(scene.engine)
    outcome = cli(*arguments)
    assert outcome.status == status
    assert complaint in outcome.err
    assert "Traceback" not in outcome.err
    assert cursor.read(scene.engine) == before


def test_a_cursor_beyond_all_is_told_and_set_back(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    assert cli("cursor", "--set", str(2**62), "--yes").status == 0
    scene.add(newest + 1)
    scene.tick()
    assert scene.told == ["upstream:below"]
    assert cli("cursor", "--set", str(newest), "--yes").status == 0
    scene.tick()
    assert (scene.told, scene.records) == ([], 2_001)


def test_an_id_that_no_bigint_holds_hides_nothing(cli: Cli, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = scene.newest
    upstream = Upstream({"recordId": one, "timestamp": "2025-03-06 12:00:00"} for one in (newest + 1, 2**64))
    monkeypatch.setattr(upstream_facts, "open_feed", lambda *_, **__: Feed(upstream, PageDecoder(UTC_ZONE, ZONE), UTC_ZONE))
    assert upstream_line(cli("cursor")) == f"newest is record id {newest + 1}, 1 ids above the cursor"


def test_the_cursor_is_shown_while_panaccess_is_away(cli: Cli, scene: Scene) -> None:
    scene.upstream.set_faults([{"kind": "error", "status": 503, "functions": ["*"]}])
    shown = cli("cursor")
    assert (shown.status, shown.err) == (0, "")
    assert "HTTP 503" in upstream_line(shown)


def test_a_warehouse_that_is_away_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:sesame@127.0.0.1:9/none")
    for arguments in (["cursor"], ["cursor", "--set", "5", "--yes"], ["adopt", "--same", "--yes"]):
        outcome = cli(*arguments)
        assert outcome.status == 1
        assert "Traceback" not in outcome.err
        assert "sesame" not in outcome.err


def test_a_restored_backup_is_one_problem_until_the_cursor_is_set(cli: Cli, scene: Scene) -> None:
    """Ids are given anew, and the samples differ where they are: that is no other upstream."""
    newest = scene.newest
    ids = [record["recordId"] for record in scene.upstream.records()]
    scene.upstream.upset(kind="forget", after_id=ids[-401])
    scene.tick()
    assert scene.told == ["upstream:below"]
    restored = ids[-401]
    scene.add(*ids[-400:-100])
    for _ in range(5):
        assert scene.tick() == 0
        assert scene.told == ["upstream:below"]
    assert upstream_line(cli("status")).endswith("ids below the cursor")
    assert cli("status").status == 1
    shown = cli("cursor")
    assert f"--set {restored}'" in shown.out
    assert "are put aside as rejected" in shown.out
    assert select(scene.engine, "select count(*) from telemetry.rejected_records") == [(300,)]
    assert cli("cursor", "--set", str(restored), "--yes").status == 0
    scene.add(*ids[-100:], newest + 1)
    assert scene.tick() == 1
    assert scene.told == []
    assert select(scene.engine, "select count(*) from telemetry.rejected_records") == [(400,)]
    assert cursor.read(scene.engine).record_id == newest + 1


def test_records_that_are_gone_for_a_while_are_a_problem_that_ends_by_itself(cli: Cli, scene: Scene) -> None:
    gone = scene.upstream.records()[-400:]
    newest = scene.newest
    scene.upstream.upset(kind="forget", after_id=gone[0]["recordId"] - 1)
    scene.tick()
    assert scene.told == ["upstream:below"]
    assert not scene.ticks_have_stopped()
    scene.upstream.add_records(gone)
    scene.add(newest + 1)
    assert scene.tick() == 1
    assert scene.told == []


OTHERS = {
    "lower ids": {"first_id": 1_000, "records_count": 800},
    "overlapping ids": {"first_id": FIRST, "records_count": 800},
    "ids that go on above": {"first_id": FIRST + 500, "records_count": 8_000},
    "negative ids": {"first_id": -(2**31), "records_count": 800},
}


@pytest.mark.slow
@pytest.mark.parametrize("population", OTHERS.values(), ids=OTHERS)
def test_another_upstream_is_one_problem_and_nothing_of_it_is_stored(
    cli: Cli, scene: Scene, population: dict[str, int]
) -> None:
    """It is told as three things: that, a tick that failed, and ticks that have stopped."""
    scene.upstream.upset(kind="another", seed=99, **population)
    for _ in range(5):
        scene.refused()
        assert scene.told == ["upstream:another"]
    assert (cli("status").status, cli("cursor").status) == (1, 1)
    assert "PanAccess is not the one" in cli("status").out
    assert "adopt --same" in cli("cursor").out
    assert doctor_says(cli, "record ids").startswith("failed ")

    scene.let_time_pass()
    assert scene.ticks_have_stopped()
    scene.refused()
    assert not scene.ticks_have_stopped()
    assert doctor_says(cli, "syncs").startswith("ok ")


def test_another_upstream_is_adopted_from_an_id_on(cli: Cli, scene: Scene) -> None:
    newest = scene.newest
    scene.upstream.upset(kind="another", seed=99, first_id=FIRST, records_count=5_000)
    scene.refused()
    begins_at = newest + 1
    theirs = sum(record["recordId"] >= begins_at for record in scene.upstream.records())
    assert theirs > 1_000
    adopted = cli("adopt", "--begins-at", str(begins_at), "--yes")
    assert adopted.status == 0
    assert f"goes on with record id {begins_at}, and nothing is read below" in adopted.out
    assert scene.tick() == theirs
    assert scene.tick() == 0
    assert scene.told == []
    assert select(scene.engine, "select count(*) from telemetry.rejected_records") == [(0,)]
    scene.upstream.upset(kind="another", seed=7, first_id=FIRST, records_count=5_000)
    scene.refused()


def test_the_same_upstream_with_changed_records_is_adopted(cli: Cli, scene: Scene) -> None:
    """Its clock was wrong by an hour, for instance, and all its times were mended."""
    newest = scene.newest
    scene.upstream.upset(kind="another", seed=99, first_id=FIRST, records_count=2_000)
    scene.refused()
    alone = cli("adopt")
    assert alone.status == 1
    assert "'telemetry-pipeline adopt --same'" in alone.err
    same = cli("adopt", "--same", "--yes")
    assert same.status == 0
    assert f"nothing is read again up to the cursor, record id {newest}" in same.out
    scene.add(max(newest, scene.newest) + 1)
    assert scene.tick() >= 1
    assert scene.tick() == 0
    assert scene.told == []
    assert select(scene.engine, "select count(*) from telemetry.rejected_records") == [(0,)]


def test_a_setting_and_the_upstream_are_adopted_at_once(cli: Cli, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set upstream = 'elsewhere.example'"))
    assert cli("adopt", "--same", "--yes").out.count("\n") == 3
    assert cli("adopt", "--yes").out.startswith("nothing to do")
