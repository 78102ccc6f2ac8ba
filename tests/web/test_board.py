"""What the servers last said is there at once, whoever of them is away, and looks as old as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from telemetry_pipeline.monitoring.facts.overview import Overview
from telemetry_pipeline.polling import polling
from telemetry_pipeline.web.operating.board import FRESH_SECONDS, OLD_SECONDS, Board


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers while its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0

    def __call__(self, seen: Overview) -> None:
        self.asked += 1
        self.gate.wait(120)
        seen.lost = self.asked


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.gate.set()


def test_the_first_reader_waits_for_an_answer_and_the_next_one_has_it(server: Server) -> None:
    board = Board({"queues": server}, Clock())
    for _ in range(2):
        part = board.look(60)["queues"]
        assert part.seen is not None
        assert part.seen.lost == 1


def test_a_server_that_is_silent_keeps_nobody_waiting_for_long_and_is_asked_once(server: Server) -> None:
    board = Board({"queues": server, "runs": Server()}, Clock())
    server.gate.clear()
    assert any(board.look(0.05)["runs"].seen and server.asked for _ in polling(60))
    for _ in range(3):
        parts = board.look(0.05)
        assert (parts["queues"].seen, parts["runs"].seen is None) == (None, False)
        assert parts["queues"].waited_seconds is not None
    assert server.asked == 1


def test_an_answer_is_asked_for_anew_behind_the_back_of_who_reads_the_last_one(server: Server) -> None:
    clock = Clock()
    board = Board({"queues": server}, clock)
    board.look(60)
    clock.now = FRESH_SECONDS
    server.gate.clear()
    part = board.look(60)["queues"]
    assert (part.seen and part.seen.lost, part.age_seconds) == (1, FRESH_SECONDS)
    server.gate.set()
    assert any((seen := board.look(0)["queues"].seen) and seen.lost == 2 for _ in polling(60, 0.01))


def test_an_old_answer_of_who_is_silent_now_says_how_old_it_is(server: Server) -> None:
    clock = Clock()
    board = Board({"queues": server}, clock)
    board.look(60)
    server.gate.clear()
    clock.now = OLD_SECONDS + 40
    part = board.look(0.1)["queues"]
    assert (part.seen and part.seen.lost, part.age_seconds) == (1, OLD_SECONDS + 40)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_question_that_breaks_is_asked_again() -> None:
    asked: list[Overview] = []

    def broken(seen: Overview) -> None:
        asked.append(seen)
        raise RuntimeError

    board = Board({"queues": broken}, Clock())
    assert any(board.look(0.05)["queues"].seen is None and len(asked) > 1 for _ in polling(60, 0.01))
