"""Filters, order and paging over HTTP, against an oracle in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer

OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge", "bw", "bn", "ew", "en", "cn", "nc")
NUMERIC = {
    "recordId", "actionId", "deviceId", "dataId", "dataDuration", "dataNetId", "dataTsId", "dataSeviceId", "dataPrice",
    "profileId", "ipId", "reaonId", "date", "anonymized", "manual",
}  # fmt: skip
FIELDS = (
    "recordId", "actionId", "deviceId", "dataDuration", "anonymized", "timestamp", "created", "actionKey",
    "subscriberCode", "dataName", "data", "whoisIsp", "reaonId",
)  # fmt: skip


def holds(value: Any, field: str, op: str, data: str) -> bool:
    """The oracle: one rule for one value."""
    if value is None:
        return False
    text = str(int(value)) if field in NUMERIC else str(value)
    both: tuple[Any, Any] = (int(value), float(data)) if field in NUMERIC and op in OPERATORS[:6] else (text, data)
    left, right = both
    rules: dict[str, Callable[[], bool]] = {
        "eq": lambda: left == right,
        "ne": lambda: left != right,
        "lt": lambda: left < right,
        "le": lambda: left <= right,
        "gt": lambda: left > right,
        "ge": lambda: left >= right,
        "bw": lambda: text.startswith(data),
        "bn": lambda: not text.startswith(data),
        "ew": lambda: text.endswith(data),
        "en": lambda: not text.endswith(data),
        "cn": lambda: data in text,
        "nc": lambda: data not in text,
    }
    return rules[op]()


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=350, late_ids=0, page_cap=1000)) as running:
        # Ids between those of the history, so that every answer is merged from several segments.
        history = running.records()
        free = sorted(set(range(history[0]["recordId"], history[-1]["recordId"])) - {r["recordId"] for r in history})
        running.add_records({**history[7], "recordId": identity} for identity in free[:5])
        running.add_records({**history[11], "recordId": identity} for identity in free[5:40])
        running.add_records([{**history[3], "recordId": history[-1]["recordId"] + 5, "novelty": "a;b"}])
        yield running


@pytest.fixture(scope="module")
def api(server: SimulatorServer, connect: Callable[[SimulatorServer], Any]) -> Any:
    return connect(server)


@pytest.fixture(scope="module")
def records(server: SimulatorServer) -> list[dict[str, Any]]:
    return server.records()


def samples(records: list[dict[str, Any]], field: str) -> list[str]:
    """Data to compare a field with: some of its values, their pieces, and what does not occur."""
    values = sorted({str(int(r[field]) if field in NUMERIC else r[field]) for r in records if r.get(field) is not None})
    if not values:
        return ["0"]
    chosen = random.Random(field).sample(values, min(3, len(values)))
    if field in NUMERIC:
        return [*chosen, chosen[0][:2], "-1", "0"]
    if field in ("timestamp", "created"):
        return [*chosen, chosen[0][:10]]
    return [*chosen, chosen[0][:3], chosen[0][-3:], chosen[0][2:5] or "a", ""]


@pytest.mark.parametrize("op", OPERATORS)
def test_every_operator_on_every_kind_of_field_selects_what_the_oracle_does(
    api: Any, records: list[dict[str, Any]], op: str
) -> None:
    for field in FIELDS:
        for number, data in enumerate(samples(records, field)):
            if field in ("timestamp", "created") and op in OPERATORS[:6] and len(data) == 10:
                continue
            encoding = ("json", "brackets")[number % 2]
            answer = api.listing(newFilters={"filters": [api.rules((field, op, data))]}, encoding=encoding)
            expected = [r["recordId"] for r in records if holds(r.get(field), field, op, data)]
            got = [r["recordId"] for r in answer["telemetryRecordEntries"]]
            assert (got, answer["count"]) == (expected, len(expected)), (field, op, data)


def test_rows_come_as_they_went_in(api: Any, records: list[dict[str, Any]]) -> None:
    assert api.rows() == records


def test_a_date_without_a_time_is_its_midnight(api: Any, records: list[dict[str, Any]]) -> None:
    day = records[150]["timestamp"][:10]
    expected = [r["recordId"] for r in records if r["timestamp"] >= f"{day} 00:00:00"]
    assert api.ids(filters=api.rules(("timestamp", "ge", day))) == expected


@pytest.mark.parametrize("seed", range(60))
def test_nested_groups_offsets_and_orders_give_what_the_oracle_does(api: Any, records: list[dict[str, Any]], seed: int) -> None:
    chance = random.Random(seed)

    def rule() -> tuple[str, str, str]:
        field = chance.choice(["recordId", "recordId", "actionId", "timestamp", "dataDuration", "subscriberCode"])
        known = [r[field] for r in records if r[field] is not None]
        return field, chance.choice(OPERATORS), str(chance.choice(known))

    def group() -> Any:
        made = [rule() for _ in range(chance.randint(0, 3))]
        return api.rules(*made, group_op=chance.choice(["AND", "OR", "and"]))

    def group_holds(wanted: dict[str, Any], row: dict[str, Any]) -> bool:
        results = [holds(row[r["field"]], r["field"], r["op"], r["data"]) for r in wanted["rules"]]
        return not results or (any(results) if wanted["groupOp"] == "OR" else all(results))

    filters = group()
    new_filters: dict[str, Any] = {"groupOp": chance.choice(["AND", "OR"]), "filters": [group(), group()]}
    field, direction = (
        chance.choice(["recordId", "timestamp", "dataName", "dataDuration"]),
        chance.choice(["ASC", "DESC"]),
    )
    offset, limit = chance.choice([0, 0, 3, 50]), chance.choice([1, 10, 400])

    def matches(row: dict[str, Any]) -> bool:
        quantifier = any if new_filters["groupOp"] == "OR" else all
        return group_holds(filters, row) and quantifier(group_holds(one, row) for one in new_filters["filters"])

    expected = [row for row in records if matches(row)]
    # Ties in ascending id, nulls lowest; records are ascending already and sorting is stable.
    expected.sort(
        key=lambda row: (row[field] is not None, row[field] or 0 if field in NUMERIC else row[field] or ""),
        reverse=direction == "DESC",
    )
    answer = api.listing(
        filters=filters, newFilters=new_filters, orderBy=field, orderDir=direction, offset=offset, limit=limit,
        encoding=chance.choice(["json", "brackets"]),
    )  # fmt: skip
    assert answer["count"] == len(expected)
    assert answer["telemetryRecordEntries"] == expected[offset : offset + limit]


def test_keyset_paging_visits_every_record_once(start: Callable[..., Any]) -> None:
    api = start(records_count=1234, page_cap=100)
    seen: list[int] = []
    while page := api.ids(
        newFilters={"groupOp": "AND", "filters": [api.rules(("recordId", "gt", seen[-1] if seen else 0))]},
        orderBy="recordId", orderDir="ASC", limit=1000, offset=0,
    ):  # fmt: skip
        assert len(page) <= 100
        seen += page
    assert seen == [record["recordId"] for record in api.server.records()]
    assert len(seen) == 1234


def test_keyset_paging_within_a_window_of_time_visits_every_record_of_it_once(start: Callable[..., Any]) -> None:
    api = start(records_count=1000, page_cap=50)
    records = api.server.records()
    first, last = records[200]["timestamp"], records[700]["timestamp"]
    seen = [0]
    while page := api.ids(
        filters=api.rules(("recordId", "gt", seen[-1]), ("timestamp", "ge", first), ("timestamp", "lt", last))
    ):
        seen += page
    assert seen[1:] == [r["recordId"] for r in records if first <= r["timestamp"] < last]


def test_the_newest_record_is_one_call_away(api: Any, records: list[dict[str, Any]]) -> None:
    assert api.ids(orderBy="recordId", orderDir="DESC", limit=1) == [records[-1]["recordId"]]


def test_a_page_beyond_the_end_is_empty_and_still_counted(api: Any, records: list[dict[str, Any]]) -> None:
    answer = api.listing(offset=len(records), limit=10)
    assert answer == {"telemetryRecordEntries": [], "count": len(records)}


def test_a_limit_above_the_cap_is_cut_to_it_and_none_means_the_cap(start: Callable[..., Any]) -> None:
    api = start(page_cap=7)
    assert [len(api.rows(limit=limit)) for limit in (0, 3, 7, 8, 5000)] == [0, 3, 7, 7, 7]
    assert len(api.rows()) == 7


def test_count_can_be_left_out(start: Callable[..., Any]) -> None:
    assert set(start(count=False).listing()) == {"telemetryRecordEntries"}


def test_an_id_range_beyond_any_number_is_empty_or_everything(api: Any, records: list[dict[str, Any]]) -> None:
    assert api.ids(filters=api.rules(("recordId", "gt", 10**30))) == []
    assert api.ids(filters=api.rules(("recordId", "le", -5))) == []
    assert len(api.ids(filters=api.rules(("recordId", "ge", -(10**30)), ("recordId", "le", 10**30)))) == len(records)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"filters": {"rules": [{"field": "recordId", "op": "between", "data": "1"}]}}, "op 'between'"),
        ({"filters": {"rules": [{"field": "recordId", "op": "gt"}]}}, "field, op and data"),
        ({"filters": {"groupOp": "XOR", "rules": []}}, "groupOp 'XOR'"),
        ({"filters": {"rules": [{"field": "recordId", "op": "gt", "data": "abc"}]}}, "recordId cannot be compared"),
        ({"filters": {"rules": [{"field": "timestamp", "op": "gt", "data": "now"}]}}, "timestamp cannot be compared"),
        ({"newFilters": "{not json"}, "newFilters is neither"),
        ({"newFilters": [1]}, "newFilters is not an object"),
        ({"limit": "-1"}, "limit '-1'"),
        ({"offset": "x"}, "offset 'x'"),
        ({"orderDir": "UP"}, "orderDir 'UP'"),
    ],
)
def test_an_impossible_parameter_is_an_error_that_names_it(api: Any, parameters: dict[str, Any], complaint: str) -> None:
    reply = api.call("getListOfTelemetryRecords", **parameters)
    assert (reply["success"], reply["answer"], reply["errorCode"]) == (False, None, "fatal_error")
    assert complaint in reply["errorMessage"]
