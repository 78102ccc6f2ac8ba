"""Any record goes the whole way, from the answer to the pictures, or is on the list of those that were rejected."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from syncing import MEXICO, NEVER, UTC, open_gaps, rows
from warehouse_events import start, stop, store

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.cli.output import table_text, to_json
from telemetry_pipeline.days import Period
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.reports.charts.declaring import declare
from telemetry_pipeline.reports.files.csv_text import to_csv, to_excel_csv
from telemetry_pipeline.reports.files.workbook import to_workbook
from telemetry_pipeline.results import computing, stored
from telemetry_pipeline.results.documents import assemble
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import FIELDS, PageDecoder
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected
from telemetry_pipeline.warehouse.raw.records import store as store_batch
from telemetry_pipeline.warehouse.raw.records import writing

DAYS = Period(date(2025, 3, 1), date(2025, 3, 6))
RULES = Rules(MEXICO, Cap("auto"))


def sync_of_server(engine: sa.Engine, server: SimulatorServer) -> Sync:
    client = PanAccessClient(server.url, Credentials("simulator", "simulator", "simulator", "simulator"), retry_seconds=0.001)
    return Sync(engine=engine, feed=Feed(client, PageDecoder(UTC, MEXICO), UTC), operator_zone=MEXICO, deadline=NEVER)


ASKED = {"subscriber_code": "S-3", "channel": "Uno"}
"""What analyses of one subscriber or channel have to be told."""


def go_on(engine: sa.Engine, days: Period) -> int:
    """Everything that comes after the sync; gives how many characters all results have."""
    merge(engine, MEXICO.key)
    segments.refresh(engine)
    [counted] = rows(engine, "select count(*) from telemetry.views where excluded is null")
    assert segments.read(engine, date.min, date.max).table.num_rows == counted
    store, found, size = Store(RULES), [], 0
    for analysis in all_analyses().values():
        values = analysis.parse({name: text for name, text in ASKED.items() if name in analysis.parameters.model_fields})
        computing.update(engine, store, analysis, analysis.windows(days, values), values)
        only = {"period": days} if analysis.is_of_period else {"day": days.last}
        with snapshot(engine) as connection:
            result = stored.read(connection, analysis, values, RULES, **only)
        assert result is not None
        found.append(result)
        declare(analysis.name, result.frame)
        columns, shown = list(result.frame.columns), to_rows(result.frame)
        size += len(to_json(shown))
        to_csv(columns, shown), to_excel_csv(columns, shown)
        table_text(columns, [list(row.values()) for row in shown[:10]])
    to_workbook(found, MEXICO)
    with snapshot(engine) as connection:
        state = segments.state(connection, date.min, date.max)
        for document in DOCUMENTS:
            body = assemble(connection, gathered(document), days, RULES, state)
            assert json.dumps(body, allow_nan=False)
            assert body["analyses"]
    return size


def noise(length: int) -> str:
    """A text that no compression makes shorter."""
    return "".join(random.Random(length).choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.slow
@pytest.mark.parametrize("length", [20_000, 100_000, 3_000_000])
def test_a_text_of_an_older_warehouse_stalls_nothing(engine: sa.Engine, length: int) -> None:
    """Stored before there was a bound, or under a higher one: results have it in many rows, and events those rows."""
    text = noise(length)
    events = [start(1, text, 1), start(2, text[:-1], 2)]
    store(engine, *events, *(stop(number, 1 + number % 2, duration=3600, hours=number) for number in range(3, 99)))
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.records set whois_isp = :text, whois_country = :text"), {"text": text})
    size = go_on(engine, Period(date(2025, 1, 29), date(2025, 2, 4)))
    assert size < 3_000_000
    [loaded] = segments.read(engine, date.min, date.max).table.column("isp").unique().to_pylist()
    assert loaded == text


ODD = [
    *("null", "true", "false", "0", "-0", "-1", "1", "1.0", "1.5", "-1e-7", "1e400", "-1e400", "NaN", "Infinity", "-Infinity"),
    *(str(sign * 2**bits + step) for bits in (31, 32, 63, 64, 70) for sign in (1, -1) for step in (-1, 0, 1)),
    *("9" * 30, "9" * 5_000, "-" + "9" * 4_299),
    *("[]", "{}", "[[1]]", '{"streamId": 1}', "[" * 200 + "]" * 200, '{"a":' * 300 + "1" + "}" * 300),
    *(
        json.dumps(stamp)
        for stamp in ("0001-01-01 00:00:00", "9999-12-31 23:59:59", "2000-01-01 06:00:00", "2099-12-31 00:00:00")
    ),
    *(json.dumps(stamp) for stamp in ("2025-02-30 00:00:00", "2025-03-04T05:06:07Z", "1735689600", "2025-03-04 05:06:07")),
    *map(
        json.dumps,
        [
            *("", " ", "\t", "null", "NULL", "\\N", "\\.", "'", '"', '","', "\\", "17", "-0", "0x10", "1e3", "nan", "true"),
            *("a\nb", "a\r\nb\r", "\x00", "a\x00b", "\x01\x1f\x7f\x9f", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07"),
            *("\ud800", "\udfff\ud800", "\U0001f6f0", "\ufffe\uffff", "\u202edcba", "\u2028\u2029", "e" + "\u0301" * 9_000),
            *(
                "=1+1",
                "@SUM(A1)",
                "$a_b$",
                "</text></svg><script>",
                "&amp;",
                "%s {x} {{y}}",
                "'; drop table x; --",
                "../../etc",
            ),
            *("مرحبا بالعالم", "日本" * 200, "ﷺ" * 50, "\u200b", "\u200d" * 300, "ß" * 9_999, noise(10_000), noise(10_001)),
            *(noise(100_000), "日" * 20_000),
        ],
    ),
]
"""Values as they stand in JSON: what an API can carry, likely or not."""


def odd_record(draw: random.Random, record_id: int) -> str:
    """A start or a stop as JSON, of which some fields are odd, missing, doubled or unknown."""
    action = draw.choice([7, 8, 8, 8])
    moment = f"{draw.choice(list(DAYS.days()))} {draw.randrange(24):02}:{draw.randrange(60):02}:00"
    fields = {
        "recordId": record_id,
        "actionId": action,
        "timestamp": moment,
        "dataId": draw.randrange(6),
        "dataName": f"Canal {draw.randrange(9)}" if action == 7 else "",
        "dataDuration": draw.randrange(9_000),
        "subscriberCode": f"S-{draw.randrange(9)}",
        "deviceId": draw.randrange(20),
        "whoisCountry": draw.choice(["MX", None]),
        "whoisIsp": f"ISP {draw.randrange(3)}",
    }
    pairs = [(name, json.dumps(value)) for name, value in fields.items()]
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
        name = draw.choice([*FIELDS, *fields, "dataName", "subscriberCode", "whoisIsp", "novelty", "\ud800", "\0", ""])
        if name != "recordId":
            pairs = [pair for pair in pairs if pair[0] != name or draw.random() < 0.2]
            if draw.random() < 0.9:
                pairs.append((name, draw.choice(ODD)))
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_any_record_goes_the_whole_way_or_is_rejected_with_its_reason(
    engine: sa.Engine, simulator: Callable[..., SimulatorServer], seed: int
) -> None:
    draw = random.Random(seed)
    sent = range(draw.randrange(2), 400)
    answer = ", ".join(odd_record(draw, record_id) for record_id in sent)
    text = f'{{"success": true, "answer": {{"telemetryRecordEntries": [{answer}], "count": {len(sent)}}}}}'
    server = simulator()
    server.set_faults([{"kind": "malformed", "text": text}])
    sync_of_server(engine, server).run(DAYS.last, DAYS.last, includes_today=True)
    kept = rows(engine, "select record_id from telemetry.records order by 1")
    rejected = rows(engine, "select record_id from telemetry.rejected_records where reason <> '' order by 1")
    assert sorted([*kept, *rejected]) == list(sent)
    assert min(len(kept), len(rejected)) > 100
    assert open_gaps(engine) == []
    go_on(engine, DAYS)
    stops = "select record_id from telemetry.records where action_id = 8 and data_id is not null order by 1"
    assert rows(engine, "select record_id from telemetry.views order by 1") == rows(engine, stops)


@pytest.mark.parametrize("text", [None, "<html>502 Bad Gateway</html>", '{"success": true, "answer": null}', ""])
def test_a_malformed_first_answer_is_tried_again_as_one_that_fails(
    engine: sa.Engine, simulator: Callable[..., SimulatorServer], text: str | None
) -> None:
    """The tick failed, and there was none for minutes."""
    server = simulator(records_count=10)
    visible = len(list(server.records()))
    server.set_faults([{"kind": "malformed", "text": text, "times": 2}])
    sync = sync_of_server(engine, server)
    sync.run(DAYS.last, DAYS.last, includes_today=True)
    assert sync.outcome.stored == visible > 0
    assert rows(engine, "select count(*) from telemetry.rejected_records") == [0]


def test_ids_at_the_ends_of_what_can_be_stored_are_as_good_as_any_and_larger_ones_are_rejected(engine: sa.Engine) -> None:
    """Zero and negative ids, too: nobody has promised that ids begin with 1."""
    least, most = -(2**63), 2**63 - 1
    larger = [most + 1, least - 1, 10**400]
    stamp = {"timestamp": "2025-03-05 12:00:00", "dataId": 1}
    entries: list[dict[str, Any]] = [
        {"recordId": least, "actionId": 7, "dataName": "A", **stamp},
        *({"recordId": record_id, "actionId": 8, "dataDuration": 60 + record_id % 9, **stamp} for record_id in (-1, 0)),
        {"recordId": 1, "actionId": 7, "dataName": "B", **stamp},
        {"recordId": most, "actionId": 8, "dataDuration": 60, **stamp},
        *({"recordId": record_id, "actionId": 8, **stamp} for record_id in larger),
    ]
    answer = {"success": True, "answer": {"telemetryRecordEntries": entries}}
    page = PageDecoder(UTC, MEXICO)(json.dumps(answer).encode())
    batch = Batch(rejected=[Rejected(each.record_id, each.payload, each.reason) for each in page.rejects])
    batch.add(page.rows)
    with writing(engine) as connection:
        store_batch(connection, batch)
    merge(engine, MEXICO.key)
    named = rows(engine, "select record_id, channel_name from telemetry.views order by 1")
    assert named == [(-1, "A"), (0, "A"), (most, "B")]
    assert segments.read(engine, date.min, date.max).table.num_rows == 3
    rejected = rows(
        engine, "select record_id, (payload::jsonb -> 'recordId')::text, reason from telemetry.rejected_records order by 1"
    )
    assert sorted((record_id, int(given)) for record_id, given, _ in rejected) == sorted((None, each) for each in larger)
    assert all(reason.startswith("recordId: ") for _, _, reason in rejected)


def test_of_a_record_of_megabytes_the_beginning_is_kept_and_its_id_and_how_long_it_was(
    engine: sa.Engine, simulator: Callable[..., SimulatorServer]
) -> None:
    """Two that differ in their ids alone, which come last, are both on the list."""
    server = simulator()
    entries = [{"data": "x" * 1_500_000, "timestamp": "2025-03-05 12:00:00", "recordId": record_id} for record_id in (1, 2)]
    answer = {"success": True, "answer": {"telemetryRecordEntries": entries, "count": 2}}
    server.set_faults([{"kind": "malformed", "text": json.dumps(answer)}])
    sync_of_server(engine, server).run(DAYS.last, DAYS.last, includes_today=True)
    cut, reason = "... (cut: 1,500,063 characters)", "data: more than 10,000 characters (MAX_TEXT_CHARACTERS)"
    kept = rows(
        engine, f"select record_id, left(payload, 14), right(payload, {len(cut)}), reason from telemetry.rejected_records"
    )
    assert sorted(kept) == [(number, f'{{"recordId": {number}', cut, reason) for number in (1, 2)]
