"""``adopt`` and ``cursor`` under a restored backup and under another upstream, and what the watch says of it meanwhile."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from scenes import FIRST, Cli, Scene, doctor_says, upstream_line
from warehouse_events import select

from telemetry_pipeline.warehouse.raw import cursor


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
