"""A module fits in a head, one of tests, too, and a room that has grown has rooms of its own."""

from __future__ import annotations

from pathlib import Path

import telemetry_pipeline

ROOT = Path(telemetry_pipeline.__file__).parent
TESTS = Path(__file__).parent
LONGEST_MODULE, LARGEST_ROOM = 300, 1_500


def lines(module: Path) -> int:
    return len(module.read_text().splitlines())


def test_no_module_is_longer_than_a_head_can_hold() -> None:
    assert {str(each.relative_to(ROOT)): lines(each) for each in ROOT.rglob("*.py") if lines(each) > LONGEST_MODULE} == {}


def test_no_file_of_tests_is_longer_than_a_head_can_hold() -> None:
    assert {str(each.relative_to(TESTS)): lines(each) for each in TESTS.rglob("*.py") if lines(each) > LONGEST_MODULE} == {}


def test_no_room_holds_more_than_can_be_seen_at_once() -> None:
    rooms = {each.parent for each in ROOT.rglob("*.py")}
    sizes = {str(room.relative_to(ROOT)): sum(map(lines, room.glob("*.py"))) for room in rooms}
    assert {room: size for room, size in sizes.items() if size > LARGEST_ROOM} == {}
