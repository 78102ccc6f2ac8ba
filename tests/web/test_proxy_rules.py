"""What may pass to Dagster and Flower: by the line and the headers of a request, and by what GraphQL would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.web.proxy import graphql, rules
from telemetry_pipeline.web.proxy.graphql import NotGraphQL, changes, read

JSON = (b"content-type", b"application/json")
LAUNCH = "mutation { launchRun(executionParams: {selector: {jobName: %s}, runConfigData: %s}) { __typename } }"


def status(path: str, method: str = "GET", *headers: tuple[bytes, bytes], kind: str = "http") -> int:
    """Of the refusal; 0: it may pass."""
    scope = {"type": kind, "method": method, "path": path, "headers": list(headers)}
    refusal = (rules.flower if path.startswith("/flower") else rules.dagster)(scope)
    return refusal.status if refusal else 0


def test_pages_are_read_and_graphql_is_asked_by_post() -> None:
    assert status("/dagster/") == status("/dagster/runs/x", "HEAD") == 0
    assert status("/dagster/graphql", "POST", JSON) == 0
    assert status("/dagster/graphql", "POST", (b"content-type", b"application/json; charset=utf-8")) == 0
    assert status("/dagster/graphql") == status("/dagster/graphql", "PUT", JSON) == 405
    assert status("/dagster/runs", "POST", JSON) == 405


@pytest.mark.parametrize(
    "kinds",
    [["text/plain"], ["text/plain; application/json"], ["application/graphql"], ["multipart/form-data; boundary=x"], [""], [],
     ["Application/JSON"], ["application/json, text/plain"], ["text/plain", "application/json"]],
    ids=str,
)  # fmt: skip
def test_graphql_is_json_alone(kinds: list[str]) -> None:
    assert status("/dagster/graphql", "POST", *((b"content-type", kind.encode()) for kind in kinds)) == 415


@pytest.mark.parametrize("name", ["report_asset_materialization", "report_asset_check", "report_asset_observation", "notebook"])
def test_no_event_can_be_forged_and_no_file_of_the_code_servers_disk_be_read(name: str) -> None:
    for path in (f"/dagster/{name}", f"/dagster/{name}/x", f"/dagster/{name.upper()}/x"):
        assert status(path) == status(path, "POST", JSON) == 404
    assert status("/dagster/dagit/notebook") == 404
    assert status(f"/dagster//{name}/x", "POST", JSON) == status(f"/dagster/./{name}/x", "POST", JSON) == 400


@given(
    st.lists(st.sampled_from(["/", "graphql", "GRAPHQL", ".", "..", "%2e", "\n", " ", "report_asset_check", "x"]), max_size=6)
)
def test_no_path_but_one_takes_a_post(parts: list[str]) -> None:
    path = "/dagster/" + "".join(parts)
    assert (status(path, "POST", JSON) == 0) == (path == "/dagster/graphql")


def test_a_websocket_is_there_for_graphql_alone() -> None:
    assert status("/dagster/graphql", kind="websocket") == 0
    assert status("/dagster/x", kind="websocket") == 404


def test_flower_is_read_and_changes_nothing() -> None:
    form = (b"content-type", b"application/x-www-form-urlencoded; charset=UTF-8")
    assert status("/flower/") == status("/flower/tasks/datatable", "POST", form) == 0
    assert status("/flower/api/worker/shutdown/some@here", "POST", form) == 405
    assert status("/flower/tasks/datatable", "POST", JSON) == 405
    assert status("/flower/tasks/../api/worker/shutdown/x", "POST", form) == 400


def body(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("{ version }", ()),
        ("query mutation { version }", ()),
        ("# mutation\n{ version }", ()),
        ("subscription { x }", ()),
        ("mutation { a b }", ("a", "b")),
        ("mutation { x: a }", ("a",)),
        ("\ufeff mutation\n,{,a,}", ("a",)),
        ("query Q { version } mutation M { a }", ("a",)),
        ("mutation A { a } mutation B { b }", ("a", "b")),
        ("mutation { ...F } fragment F on Mutation { a ...G } fragment G on Mutation { b ...F }", ("a", "b")),
        ("mutation { ... on Mutation { a } ... @include(if: true) { b } }", ("a", "b")),
        ("mutation { a @skip(if: true) }", ("a",)),
    ],
)  # fmt: skip
def test_a_mutation_is_found_in_whatever_form_it_comes(query: str, found: tuple[str, ...]) -> None:
    assert read(body(query)).mutations == found


def test_many_fragments_of_fragments_take_no_time() -> None:
    fragments = " ".join(f"fragment F{n} on Mutation {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    assert read(body(f"mutation {{ ...F0 }} {fragments} fragment F60 on Mutation {{ a }}")).mutations == ("a",)


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"[]", b'"mutation"', b'[{"query": "mutation { a }"}]', b'{"query": ["mutation { a }"]}', b'{"x": 1}',
     b"[" * 9_999, body("mutation { a"), body("mutation { " + "a { " * 5_000), body("mutation {" + "a " * 30_000 + "}"),
     b'{"query": "mutation { a(x: $x) }", "variables": "{"}', b'{"query": "mutation { a(x: $x) }", "variables": 5}'],
)  # fmt: skip
def test_what_is_no_request_of_graphql_is_refused(text: bytes) -> None:
    with pytest.raises(NotGraphQL):
        read(text)


@pytest.mark.parametrize(
    "query",
    ["mutation{a}" * 4_900, "mutation{setNuxSeen}#" + "x" * 4_800_000, "mutation{a(x:1)" + " b" * 10_100 + "}"],
    ids=["thousands of operations", "a long comment", "many tokens"],
)  # fmt: skip
def test_a_document_that_takes_long_to_read_is_refused_before_it_is(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 54 kB held up everybody for eleven seconds."""
    selected: list[object] = []

    def select(*given: object) -> Iterator[object]:
        selected.append(given)
        return iter(())

    monkeypatch.setattr(graphql, "_selected", select)
    with pytest.raises(NotGraphQL):
        read(body(query))
    assert selected == []


def test_only_what_is_of_no_account_changes_nothing_that_matters() -> None:
    assert not changes({"query": "mutation { setNuxSeen }"}).matter
    assert changes({"query": "mutation { setNuxSeen setAutoMaterializePaused(paused: true) }"}).matter


def test_the_record_says_what_a_mutation_is_about_and_not_what_was_given_with_it() -> None:
    params = {
        "selector": {"jobName": "telemetry_range", "assetSelection": [{"path": ["top_channels"]}]},
        "runConfigData": {"ops": {"general": {"config": {"top_channels": {"name": "Ana", "path": "/x", "limit": 5}}}}},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2026-11-01"}]},
    }
    query = "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename } }"
    said = json.dumps(read(body(query, p=params)).about)
    assert "telemetry_range" in said
    assert "top_channels" in said
    assert "2026-11-01" in said
    assert "Ana" not in said
    assert "/x" not in said
    written = read(body(LAUNCH % ('"telemetry_tick"', '"name: Ana"')))
    assert written.about == {"executionParams.selector.jobName": "telemetry_tick"}


def test_the_record_has_an_end() -> None:
    found = read(body("mutation($ids: [String!]) { terminateRuns(runIds: $ids) { __typename } }", ids=["x" * 900] * 900))
    assert len(json.dumps(found.about)) < 6_000
    assert found.about["runIds.0"] == "x" * 200
