"""Functions, envelope, sessions and the switches of the simulator, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

LIST = "getListOfTelemetryRecords"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


def test_listings_go_by_all_their_names_with_cv_before_them_or_not(empty: Any) -> None:
    for name in (LIST, "getListOfTelemetryRecordEntries", "getTelemetryRecords"):
        for function in (name, "cv" + name[0].upper() + name[1:]):
            assert empty.call(function) == {"success": True, "answer": {"telemetryRecordEntries": [], "count": 0}}


def test_a_wrong_credential_is_a_success_whose_answer_is_false(start: Callable[..., Any]) -> None:
    api = start()
    for wrong in ({"username": "x"}, {"password": "x"}, {"api_token": "x"}):
        assert api.login(**wrong) == {"success": True, "answer": False}
    assert api.server.requests()["rejected_logins"] == 3


def test_an_ended_session_looks_like_a_missing_permission(start: Callable[..., Any]) -> None:
    clock = Clock()
    api = start(clock=clock, session_ttl=100)
    clock.now += 99
    assert (api.call("cvLoggedIn")["answer"], api.call(LIST)["success"]) == (True, True)
    clock.now += 1
    assert api.call("loggedIn") == {"success": True, "answer": False}
    reply = api.call(LIST)
    assert (reply["success"], reply["answer"], reply["errorCode"]) == (False, None, "access_denied")
    assert reply["errorMessage"].startswith("You do not have the permission")
    api.login()
    assert api.call(LIST)["success"]


def test_a_call_without_a_session_is_refused(start: Callable[..., Any]) -> None:
    api = start()
    api.session = None
    assert api.call(LIST)["errorCode"] == "access_denied"


@pytest.mark.parametrize("function", ["logout", "cvLogout"])
def test_logout_ends_this_session_and_no_other(start: Callable[..., Any], function: str) -> None:
    api = start()
    other = api.session
    api.login()
    assert api.call(function) == {"success": True, "answer": True}
    assert api.call("cvLoggedIn")["answer"] is False
    api.session = other
    assert api.call("cvLoggedIn")["answer"] is True


def test_more_than_twenty_logins_in_five_minutes_are_refused(start: Callable[..., Any]) -> None:
    clock = Clock()
    api = start(clock=clock)
    for _ in range(19):
        assert api.login()["success"]
    clock.now += 299
    assert api.login()["errorCode"] == "too_many_logins"
    clock.now += 1
    assert api.login()["success"]


def test_an_unknown_function_is_not_available(empty: Any) -> None:
    assert empty.call("getWeather")["errorCode"] == "function_not_available"


def test_a_call_must_be_a_post_in_function_mode(empty: Any) -> None:
    status, reply = empty.control("POST", "?f=cvLoggedIn", {})
    assert (status, reply["errorCode"]) == (200, "fatal_error")
    assert empty._http.request("GET", f"{empty.server.url}?f=cvLoggedIn&requestMode=function").status == 405


def test_latency_is_added_to_every_call(start: Callable[..., Any]) -> None:
    api = start(latency_ms=400)
    assert api.call("cvLoggedIn")["answer"] is True
    with pytest.raises(Exception, match="timed out"):
        api.call("cvLoggedIn", timeout=0.1)


def test_records_can_be_added_at_any_id(empty: Any) -> None:
    assert empty.control("POST", "records", [{"recordId": 20}, {"recordId": 10, "dataName": "Ñ", "new": [1]}])[0] == 200
    status, health = empty.control("POST", "records", [{"recordId": 15, "deviceId": 10**40}])
    assert (status, health) == (200, {"status": "ok", "records": 3, "highest_id": 20, "pending": 0})
    assert empty.rows() == [
        {"recordId": 10, "dataName": "Ñ", "new": [1]},
        {"recordId": 15, "deviceId": 10**40},
        {"recordId": 20},
    ]
    assert empty.ids(filters=empty.rules(("dataName", "eq", "Ñ"))) == [10]
    assert empty.ids(filters=empty.rules(("new", "cn", "1"))) == [10]


def test_an_impossible_addition_is_refused_as_a_whole(empty: Any) -> None:
    empty.server.add_records([{"recordId": 10}])
    for body, complaint in (
        ([{"recordId": 10}], "10 is there already"),
        ([{"recordId": 11}, {"recordId": 11}], "11 occurs more than once"),
        ([{"recordId": "12"}], "'12' is not a whole number"),
        ([{"recordId": 2**63}], "is not a whole number"),
        ([{"dataId": 1}], "None is not a whole number"),
        ({"recordId": 13}, "not a JSON list"),
    ):
        addition = [{"recordId": 9}, *body] if isinstance(body, list) else body
        status, reply = empty.control("POST", "records", addition)
        assert status == 400
        assert complaint in reply["error"]
    assert empty.ids() == [10]


def test_many_additions_in_any_order_are_served_in_the_order_of_their_ids(start: Callable[..., Any]) -> None:
    api = start(records_count=50)
    first = api.ids()[0]
    for step in (7, 1, 3):
        for start_at in range(1_000 * step, 1_000 * step + 40, 2):
            api.server.add_records({"recordId": first + 10_000 + start_at * 3 + offset} for offset in (5, 0))
    ids = [record["recordId"] for record in api.server.records()]
    assert len(ids) == 50 + 3 * 20 * 2
    assert api.ids() == sorted(ids)
    assert api.ids(orderDir="DESC", limit=70) == sorted(ids, reverse=True)[:70]


def test_requests_are_counted_and_the_counters_reset(empty: Any) -> None:
    empty.server.add_records({"recordId": identity} for identity in range(1, 13))
    empty.call(LIST, limit=4)
    empty.call("cvGetTelemetryRecords", offset=11)
    empty.call("cvLoggedIn")
    empty.call("nonsense")
    status, counted = empty.control("GET", "requests")
    assert status == 200
    assert counted == {
        "functions": {"login": 1, LIST: 1, "getTelemetryRecords": 1, "loggedIn": 1, "nonsense": 1},
        "rejected_logins": 0,
        "errors": 1,
        "rows": 5,
        "calls": [{"parameters": {"limit": "4"}, "rows": 4}, {"parameters": {"offset": "11"}, "rows": 1}],
    }
    assert empty.control("DELETE", "requests")[1]["functions"] == {}
    assert empty.server.requests()["calls"] == []


def test_what_is_not_there_is_404(empty: Any) -> None:
    assert empty.control("GET", "nothing")[0] == 404
    assert empty.control("PUT", "faults")[0] == 404


def test_late_ids_become_visible_some_time_after_the_first_listing(start: Callable[..., Any]) -> None:
    clock = Clock()
    api = start(clock=clock, records_count=400, late_ids=8, late_seconds=30)
    clock.now += 1000
    before = api.ids()
    assert (len(before), api.control("GET", "health")[1]["pending"]) == (392, 8)
    clock.now += 29
    assert api.ids() == before
    clock.now += 1
    after = api.ids()
    late = sorted(set(after) - set(before))
    assert (len(after), after) == (400, sorted(after))
    # They are behind a cursor that has reached the end, and not far behind.
    assert late[-1] < before[-1]
    assert late[0] >= after[-110]


def test_late_ids_can_be_shown_at_once_or_be_none(start: Callable[..., Any]) -> None:
    api = start(records_count=400, late_ids=8)
    assert api.control("POST", "reveal")[1]["records"] == 400
    assert len(api.ids()) == 400
    assert len(start(records_count=400, late_ids=8, late_seconds=0).ids()) == 400


def test_live_records_come_at_their_rate_with_ids_above_all_others(start: Callable[..., Any]) -> None:
    clock = Clock()
    api = start(clock=clock, live=10, records_count=100, late_ids=5, late_seconds=20)
    api.server.reveal()
    history = api.ids()
    clock.now += 25
    rows = api.rows(filters=api.rules(("recordId", "gt", history[-1])))
    # One in fifty is late.
    assert len(rows) == 245
    assert {row["actionId"] for row in rows} == {7, 8}
    assert [rows[at]["timestamp"] for at in (0, -1)] == ["2025-06-15 15:06:40", "2025-06-15 15:07:05"]
    api.server.add_records([{"recordId": rows[-1]["recordId"] + 500}])
    clock.now += 20
    more = api.ids(filters=api.rules(("recordId", "gt", rows[-1]["recordId"] + 500)))
    assert len(more) == 196
    assert len(api.ids()) == 100 + 450 + 1 - 4


def test_live_records_are_pairs_of_start_and_stop(start: Callable[..., Any]) -> None:
    clock = Clock()
    api = start(clock=clock, live=3, records_count=0)
    clock.now += 4
    rows = api.rows()
    assert [row["actionId"] for row in rows] == [7, 8] * 6
    assert [row["deviceId"] for row in rows[::2]] == [row["deviceId"] for row in rows[1::2]]
    assert [row["recordId"] for row in rows] == sorted({row["recordId"] for row in rows})


def test_a_restart_gives_live_records_ids_that_no_record_had_before(start: Callable[..., Any]) -> None:
    clock = Clock()
    end = datetime.fromtimestamp(clock.now, UTC)
    first = start(clock=clock, live=20, end=end, page_cap=2000)
    clock.now += 40
    before = first.ids()
    again = start(clock=clock, live=20, end=end)
    clock.now += 20
    after = again.ids()
    assert (len(before), len(after)) == (300 + 800, 300 + 400)
    assert before[:300] == after[:300]
    assert before[-1] < after[300]
