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
    found.note("secret", VERA, clock())
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


def test_what_was_asked_before_somebody_left_brings_nobody_back(remembered: Remembered, clock: Clock) -> None:
    asked_at = remembered.now()
    clock.now = 0.1
    remembered.forget("secret")
    remembered.note("secret", VERA, asked_at)
    assert remembered.fresh("secret") is None
    remembered.note("secret", VERA, clock.now)
    assert remembered.fresh("secret") == VERA


def test_a_thousand_wrong_secrets_make_nobody_forgotten(remembered: Remembered) -> None:
    for number in range(2_000):
        remembered.note(f"guess {number}", None, remembered.now())
    assert remembered.fresh("secret") == VERA
