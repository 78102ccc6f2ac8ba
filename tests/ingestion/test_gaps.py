"""What the upstream cannot give is kept on record, as a gap or as its malformed text, and asked for again when it is due."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from syncing import keep, make_gaps_due, open_gaps, record, rows, stops_after, stored, tick, time_limited
from upstream import Upstream

from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
)
from telemetry_pipeline.warehouse.raw import cursor as sync_cursor
from telemetry_pipeline.warehouse.raw import gaps
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.gaps import Gap


def test_the_text_of_a_malformed_upstream_is_kept(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    upstream.poisoned = {1: "malformed"}
    for _ in range(2):
        with pytest.raises(MalformedAnswer):
            tick(engine, upstream)
    [(record_id, payload, reason)] = rows(engine, "select record_id, payload, reason from telemetry.rejected_records")
    assert (record_id, payload) == (None, '{"success": true, "answer": {"telemetryRecordEntries": [\\x00\\xff')
    assert reason.startswith("PanAccess answered something that is not its JSON envelope")
    assert sync_cursor.read(engine).record_id == 0


def test_of_malformed_answers_the_first_of_each_kind_is_kept_and_of_a_long_one_the_beginning(engine: sa.Engine) -> None:
    """An upstream that is broken for a day answers each of 720 ticks a little differently."""
    upstream = Upstream([record(1)])
    answers: list[bytes] = []

    def post(function: str, _parameters: object) -> bytes:
        return b'{"success": true, "answer": "a-session"}' if function == "login" else answers[-1]

    upstream._post = post  # type: ignore[method-assign,assignment]
    for number in range(3):
        for answer in ("<html>#", '{"success": true, "answer": #}', '{"success": #} ', "7" * 10**5):
            answers.append(b" " * number + answer.replace("#", str(number)).encode())
            with pytest.raises(MalformedAnswer):
                tick(engine, upstream)
    kept = rows(engine, "select record_id, left(payload, 20) from telemetry.rejected_records order by rejected_id")
    assert kept == [(None, "<html>0"), (None, '{"success": true, "a'), (None, '{"success": 0} '), (None, "7" * 20)]
    [longest] = rows(engine, "select max(length(payload)) from telemetry.rejected_records")
    assert 20_000 <= longest < 20_100
    assert rows(engine, "select count(*) from telemetry.receipts") == [0]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["error", "refused", "malformed"])
def test_an_id_that_fails_is_a_gap_and_the_sync_goes_on_behind_it(engine: sa.Engine, kind: str) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: kind}
    one = tick(engine, upstream)
    assert stored(engine) == [record_id for record_id in range(1, 41) if record_id != 17]
    assert sync_cursor.read(engine).record_id == 40
    assert one.outcome.gaps == 1
    [(first, last, reason, raw)] = rows(engine, "select first_record_id, last_record_id, reason, raw from telemetry.sync_gaps")
    assert (first, last) == (17, 17)
    assert bool(raw) == (kind == "malformed")
    assert {"error": "HTTP 500", "refused": "No \\x00 \\ud800 way.", "malformed": "JSON envelope"}[kind] in reason


@pytest.mark.usefixtures("small")
def test_a_gap_is_left_alone_until_it_is_due(engine: sa.Engine) -> None:
    """Though it lies in the overlap, which every tick reads again."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {37: "error", 40: "error"}
    upstream.add([record(41)])
    tick(engine, upstream)
    assert open_gaps(engine) == [(37, 37), (40, 40)]
    upstream.listings.clear()
    upstream.add([record(42), record(39), record(38)])
    assert tick(engine, upstream).outcome.stored == 1
    assert len(upstream.listings) < 12
    assert all(rule["data"] != "37" for rule in rules_of(upstream) if rule["op"] == "le")
    assert open_gaps(engine) == [(37, 37), (40, 40)]
    assert sync_cursor.read(engine).record_id == 42


def rules_of(upstream: Upstream) -> list[dict[str, str]]:
    return [
        rule
        for listing in upstream.listings
        if "newFilters" in listing
        for rule in listing["newFilters"]["filters"][0]["rules"]
    ]


@pytest.mark.usefixtures("small")
def test_a_gap_is_tried_again_at_growing_intervals_until_it_is_resolved(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: "error"}
    tick(engine, upstream)
    for attempts in range(1, 6):
        assert rows(engine, "select attempts from telemetry.sync_gaps") == [attempts]
        assert rows(engine, "select tried_at > now() - interval '1 minute' from telemetry.sync_gaps") == [True]
        set_age(engine, minutes=2**attempts - 0.5)
        assert gaps.gaps_due(engine, 10) == []
        set_age(engine, minutes=2**attempts + 0.5)
        assert [gap.first_record_id for gap in gaps.gaps_due(engine, 10)] == [17]
        tick(engine, upstream)
        assert open_gaps(engine) == [(17, 17)]
    upstream.poisoned = {}
    make_gaps_due(engine)
    assert tick(engine, upstream).outcome.stored == 1
    assert open_gaps(engine) == []
    assert stored(engine) == list(range(1, 41))
    assert sync_cursor.read(engine).record_id == 40


def set_age(engine: sa.Engine, minutes: float) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.sync_gaps set tried_at = now() - make_interval(secs => :seconds)"),
            {"seconds": minutes * 60},
        )


@pytest.mark.usefixtures("small")
def test_a_wide_gap_whose_retry_is_cut_short_stays_open_from_there_on(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 61)))
    keep(engine, Batch(gaps=[Gap(1, 50, "took too long")], cursor=60))
    make_gaps_due(engine)
    with time_limited(stops_after(3)) as options:
        tick(engine, upstream, **options)
    [(first, last)] = open_gaps(engine)
    assert (1 < first < 50, last) == (True, 50)
    assert stored(engine)[: first - 1] == list(range(1, first))
    while open_gaps(engine):
        make_gaps_due(engine)
        with time_limited(stops_after(30)) as options:
            tick(engine, upstream, **options)
    assert stored(engine) == list(range(1, 61))


@pytest.mark.usefixtures("small")
def test_what_still_fails_of_a_wide_gap_becomes_gaps_of_its_own(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 61)))
    upstream.poisoned = {20: "error", 21: "malformed"}
    keep(engine, Batch(gaps=[Gap(1, 50, "took too long")], cursor=60))
    make_gaps_due(engine)
    tick(engine, upstream)
    assert open_gaps(engine) == [(20, 20), (21, 21)]
    assert stored(engine) == [one for one in range(1, 61) if one not in (20, 21)]


@pytest.mark.usefixtures("small")
def test_narrowing_down_a_page_is_finished_beyond_the_deadline(engine: sa.Engine) -> None:
    """Broken off, it would begin anew with every tick, and the sync would stand before that page for ever."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {2: "error"}
    with time_limited(stops_after(1)) as options:
        tick(engine, upstream, **options)
    assert open_gaps(engine) == [(2, 2)]
    assert sync_cursor.read(engine).record_id >= 2


@pytest.mark.usefixtures("small")
def test_a_rejected_login_during_the_retry_of_a_gap_ends_the_step(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: "error"}
    tick(engine, upstream)
    make_gaps_due(engine)
    upstream.listings.clear()

    def refuse(number: int) -> None:
        if number > 1:
            raise LoginRejected("no")

    upstream.before = refuse
    with pytest.raises(LoginRejected):
        tick(engine, upstream)
    assert len(upstream.listings) == 2
