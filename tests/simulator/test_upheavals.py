"""Records that become others: the simulator as an upstream that lies about its ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from telemetry_pipeline.simulator.server import SimulatorServer

LARGEST = 2**63 - 1


@pytest.fixture
def server(simulator: Callable[..., SimulatorServer]) -> SimulatorServer:
    server = simulator()
    server.add_records({"recordId": one, "timestamp": "2025-03-06 12:00:00"} for one in range(1, 11))
    return server


def ids(server: SimulatorServer) -> list[int]:
    return [record["recordId"] for record in server.records()]


def posted(server: SimulatorServer, body: Any) -> Any:
    answer = requests.post(f"{server.url}upheaval", json=body)
    answer.raise_for_status()
    return answer.json()


def test_ids_are_moved_over_http(server: SimulatorServer) -> None:
    assert posted(server, {"kind": "renumber", "by": 100, "from_id": 6})["highest_id"] == 110
    assert ids(server) == [1, 2, 3, 4, 5, 106, 107, 108, 109, 110]


def test_ids_go_below_0_and_up_to_the_largest(server: SimulatorServer) -> None:
    server.upset(kind="renumber", by=-5)
    assert ids(server) == list(range(-4, 6))
    server.add_records([{"recordId": LARGEST}, {"recordId": -(2**63)}])
    assert ids(server) == [-(2**63), *range(-4, 6), LARGEST]


def test_the_newest_are_forgotten(server: SimulatorServer) -> None:
    server.upset(kind="forget", after_id=4)
    assert ids(server) == [1, 2, 3, 4]


def test_another_operator_has_other_records(server: SimulatorServer) -> None:
    server.upset(kind="another", seed=7, first_id=3, records_count=50)
    first = server.records()
    assert len(first) == 50
    assert first[0]["recordId"] >= 3
    server.upset(kind="another", seed=8, first_id=3, records_count=50)
    assert first != server.records()


@pytest.mark.parametrize(
    "wanted",
    [{"kind": "renumber"}, {"kind": "flood"}, {"kind": "renumber", "by": 2**63}, {"kind": "forget", "after_id": "x"}, 5],
)
def test_what_cannot_be_is_refused_and_all_stays(server: SimulatorServer, wanted: Any) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        posted(server, wanted)
    assert ids(server) == list(range(1, 11))


def test_live_ids_do_not_go_on_behind_a_stray_one(simulator: Callable[..., SimulatorServer]) -> None:
    server = simulator(records_count=10, live=1000)
    server.add_records([{"recordId": LARGEST}])
    while len(server.records()) < 50:
        pass
    assert sorted(ids(server))[-2] < 10**15
