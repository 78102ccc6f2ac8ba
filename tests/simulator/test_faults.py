"""Each fault, over HTTP: what it does, when it fires, when it stops."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3

from telemetry_pipeline.polling import polling
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer

LIST = "getListOfTelemetryRecords"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """Ids 1 to 30 in pages of at most 10."""
    with SimulatorServer(Options(records_count=0, page_cap=10, login_limit=1000)) as running:
        running.add_records({"recordId": identity, "dataName": f"n{identity}"} for identity in range(1, 31))
        yield running


@pytest.fixture
def api(server: SimulatorServer, connect: Callable[[SimulatorServer], Any]) -> Iterator[Any]:
    yield connect(server)
    server.set_faults([])


def after(api: Any, cursor: int, **parameters: Any) -> Any:
    return api.call(LIST, filters=api.rules(("recordId", "gt", cursor)), **parameters)


def test_an_error_by_page_fires_at_these_calls_alone(api: Any) -> None:
    api.control("POST", "faults", [{"kind": "error", "page": [2, 4]}])
    assert [api.call(LIST)["success"] for _ in range(5)] == [True, False, True, False, True]
    assert api.call(LIST) == {
        "success": True,
        "answer": {"telemetryRecordEntries": api.server.records()[:10], "count": 30},
    }


def test_an_error_by_id_fires_for_every_page_that_would_contain_it(api: Any) -> None:
    api.server.set_faults([{"kind": "error", "record_id": 15, "error_code": "fatal_error", "message": "No."}])
    assert after(api, 0)["success"]
    assert after(api, 10) == {"success": False, "answer": None, "errorCode": "fatal_error", "errorMessage": "No."}
    assert after(api, 10, limit=4)["success"]
    assert after(api, 14, limit=1)["success"] is False
    assert after(api, 15)["success"]


def test_an_error_can_be_an_http_status(api: Any) -> None:
    api.server.set_faults([{"kind": "error", "status": 503}])
    response = api.raw(LIST, [("sessionId", api.session)])
    assert (response.status, json.loads(response.data)["errorCode"]) == (503, "unknown_error_serverside")


def test_a_fault_is_over_after_its_times(api: Any) -> None:
    api.server.set_faults([{"kind": "error", "record_id": 3, "times": 2}])
    assert [api.call(LIST)["success"] for _ in range(4)] == [False, False, True, True]
    assert api.server.faults()[0]["fired"] == 2


def test_faults_are_shown_replaced_and_ended(api: Any) -> None:
    status, shown = api.control("POST", "faults", [{"kind": "reorder", "times": 3}])
    assert (status, shown[0]["kind"], shown[0]["times"], shown[0]["fired"]) == (200, "reorder", 3, 0)
    assert api.control("GET", "faults") == (200, shown)
    assert api.control("DELETE", "faults") == (200, [])
    assert api.ids() == list(range(1, 11))


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        ([{"kind": "earthquake"}], "earthquake"),
        ([{"kind": "error", "recordid": 3}], "recordid"),
        ([{"kind": "error", "times": 0}], "times"),
        ([{"kind": "expired_session", "record_id": 3}], "record_id"),
        ({"kind": "error"}, "fault"),
    ],
)
def test_an_impossible_fault_is_refused_and_the_present_ones_stay(api: Any, faults: Any, complaint: str) -> None:
    api.server.set_faults([{"kind": "reorder"}])
    status, reply = api.control("POST", "faults", faults)
    assert status == 400
    assert complaint in reply["error"]
    assert [fault["kind"] for fault in api.server.faults()] == ["reorder"]


def test_a_fault_is_for_listings_unless_it_names_functions(api: Any) -> None:
    api.server.set_faults([{"kind": "error", "functions": ["login"], "error_code": "x"}])
    assert (api.login()["errorCode"], api.call(LIST)["success"]) == ("x", True)
    api.server.set_faults([{"kind": "error", "functions": ["*"]}])
    assert (api.login()["success"], api.call("cvLoggedIn")["success"], api.call(LIST)["success"]) == (False,) * 3
    api.server.set_faults([{"kind": "error"}])
    assert (api.login()["success"], api.call("getTelemetryRecords")["success"]) == (True, False)


def test_a_timeout_delays_the_answer_and_no_other(api: Any) -> None:
    api.server.set_faults([{"kind": "timeout", "seconds": 120, "page": 1}])
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(api.call, LIST, timeout=1)
        assert any(api.server.faults()[0]["fired"] for _ in polling(60))
        assert api.call(LIST)["success"]
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            late.result()
    api.server.set_faults([{"kind": "timeout", "seconds": 0.2, "record_id": 1}])
    began = time.monotonic()
    assert api.call(LIST)["success"]
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("after_bytes", [0, 100, 10_000_000])
def test_a_dropped_connection_gives_no_whole_answer(api: Any, after_bytes: int) -> None:
    api.server.set_faults([{"kind": "drop", "record_id": 1, "after_bytes": after_bytes, "times": 1}])
    with pytest.raises(urllib3.exceptions.ProtocolError):
        api.call(LIST)
    assert api.call(LIST)["success"]


def test_an_expired_session_looks_like_any_dead_one(api: Any) -> None:
    api.server.set_faults([{"kind": "expired_session", "page": 2}])
    assert api.call(LIST)["success"]
    assert api.call(LIST)["errorCode"] == "access_denied"
    assert api.call("cvLoggedIn")["answer"] is False
    api.login()
    assert api.call(LIST)["success"]


def test_all_sessions_can_be_ended_at_once(api: Any) -> None:
    assert api.control("POST", "expire")[0] == 200
    assert api.call("cvLoggedIn")["answer"] is False


def test_malformed_json_by_id_is_half_of_the_answer_or_a_given_text(api: Any) -> None:
    whole = api.raw(LIST, [("sessionId", api.session)]).data
    api.server.set_faults([{"kind": "malformed", "record_id": [5, 25]}])
    assert api.raw(LIST, [("sessionId", api.session)]).data == whole[: len(whole) // 2]
    assert after(api, 10)["success"]
    api.server.set_faults([{"kind": "malformed", "text": "<html>"}])
    assert api.raw(LIST, [("sessionId", api.session)]).data == b"<html>"


@pytest.mark.parametrize("answer", [None, "", False, "false", [], "true"])
def test_an_answer_can_be_anything(api: Any, answer: Any) -> None:
    api.server.set_faults([{"kind": "answer", "functions": ["login", "loggedIn"], "answer": answer}])
    assert api.call("login") == api.call("cvLoggedIn") == {"success": True, "answer": answer}


def test_duplicated_rows_push_others_out_of_the_page(api: Any) -> None:
    api.server.set_faults([{"kind": "duplicate", "rows": 2}])
    assert api.ids() == [1, 1, 2, 2, 3, 4, 5, 6, 7, 8]
    assert api.ids(filters=api.rules(("recordId", "gt", 28))) == [29, 29, 30, 30]


def test_reordered_rows_are_the_same_rows(api: Any) -> None:
    api.server.set_faults([{"kind": "reorder", "record_id": 7}])
    assert api.ids() == list(range(10, 0, -1))
    assert after(api, 10)["answer"]["telemetryRecordEntries"] == api.server.records()[10:20]


def test_an_altered_row_keeps_its_place(api: Any) -> None:
    changes = {"recordId": None, "dataId": 2**70, "dataName": "a\x00b"}
    api.server.set_faults([{"kind": "alter", "record_id": 12, "fields": changes}])
    assert api.rows(filters=api.rules(("recordId", "gt", 10)), limit=3) == [
        {"recordId": 11, "dataName": "n11"},
        changes,
        {"recordId": 13, "dataName": "n13"},
    ]
    api.server.set_faults([{"kind": "alter", "remove": ["dataName"]}])
    assert api.rows(limit=2) == [{"recordId": 1}, {"recordId": 2}]


def test_faults_add_up(api: Any) -> None:
    api.server.set_faults([{"kind": "duplicate"}, {"kind": "reorder"}, {"kind": "alter", "fields": {"dataName": "x"}}])
    rows = api.rows(limit=3)
    assert [(row["recordId"], row["dataName"]) for row in rows] == [(2, "x"), (1, "x"), (1, "x")]


def test_faults_by_id_do_not_change_the_pages_without_them(start: Callable[..., Any]) -> None:
    api = start(records_count=50)
    whole = api.listing()
    api.server.set_faults([{"kind": "error", "record_id": 1}])
    assert api.listing() == whole
