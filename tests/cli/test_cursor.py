"""``cursor`` under an upstream whose ids jump, and what ``status``, ``doctor`` and the watch say of it meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scenes import FIRST, LARGEST, UTC_ZONE, ZONE, Cli, Scene, doctor_says, upstream_line
from upstream import Upstream
from warehouse_events import select

from telemetry_pipeline.monitoring.facts import upstream as upstream_facts
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.raw import cursor


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
