"""Who was here a moment ago is not looked up again; after a second, or when it opens nothing any more, it is."""

from __future__ import annotations

import pytest

from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.access.remembering import FRESH_SECONDS, KEPT_SECONDS, Remembered
from telemetry_pipeline.web.access.visitor import Visitor

VERA = Visitor("vera", Role.OPERATOR, personal=True, by="session")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remembered(clock: Clock) -> Remembered:
    found = Remembered(clock)
    found.note("secret", VERA)
    return found


def test_for_a_second_somebody_is_who_they_were(remembered: Remembered, clock: Clock) -> None:
    clock.now = 0.9 * FRESH_SECONDS
    assert remembered.fresh("secret") == VERA
    assert remembered.fresh("another") is None
    clock.now = FRESH_SECONDS
    assert remembered.fresh("secret") is None


def test_while_postgresql_is_away_they_look_and_change_nothing(remembered: Remembered, clock: Clock) -> None:
    clock.now = 0.9 * KEPT_SECONDS
    assert remembered.recall("secret") == Visitor("vera", Role.VIEWER, personal=False, by="session")
    clock.now = KEPT_SECONDS
    assert remembered.recall("secret") is None


def test_what_opens_nothing_any_more_is_forgotten_at_once(remembered: Remembered) -> None:
    remembered.forget("secret")
    assert remembered.fresh("secret") is None
    assert remembered.recall("secret") is None
