"""The address of a page: what is asked by it, and the addresses that its links have.

Everything that a page shows follows from its address, so that it can be sent to somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self
from urllib.parse import urlencode

from telemetry_pipeline.days import AllowedDays, Period, parse_day
from telemetry_pipeline.errors import AskedWrongly, DaysRefused
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.frame.days import read_days
from telemetry_pipeline.web.pages.asked.days import presets, weekdays_before
from telemetry_pipeline.web.pages.asked.hours import PART, hours_of, read_part

FROM, TO, AGAINST, AGAINST_FROM, AGAINST_TO = "desde", "hasta", "contra", "contra_desde", "contra_hasta"
CHANNEL, CODE, ALL = "canal", "suscriptor", "todo"
BEFORE, WEEK, OTHERS, NOTHING = "antes", "semana", "otros", "nada"
AGAINST_CHOICES = {BEFORE: "against_before", WEEK: "against_week", OTHERS: "against_days", NOTHING: "against_none"}
"""What days can be compared with, by what stands in the address, with its name in the catalogue."""

_LONGEST = 1_000


@dataclass(frozen=True)
class Asked:
    """What a page is to show.

    :ivar comparison: what the days are compared with, one of ``AGAINST_CHOICES``.
    :ivar against: these days; None: with none, or there are none.
    :ivar part: of the day, by its name, or hours such as ``20-24``; empty: the whole.
    :ivar everything: all rows of long tables.
    """

    period: Period
    comparison: str = BEFORE
    against: Period | None = None
    channel: str = ""
    part: str = ""
    code: str = ""
    everything: bool = False

    @classmethod
    def by_default(cls, today: date, preset: str) -> Self:
        """Return what a page shows that was asked for nothing."""
        period = presets(today)[preset]
        return cls(period, BEFORE, period.before())

    @property
    def hours(self) -> range:
        """Those of the part of the day."""
        return hours_of(self.part)

    def at(self, path: str, **others: object) -> str:
        """Return the address of a page with the same days, and other values of some fields."""
        asked = replace(self, **others)  # type: ignore[arg-type]
        values = {FROM: str(asked.period.first), TO: str(asked.period.last)}
        if asked.comparison == OTHERS and asked.against is not None:
            values |= {AGAINST: OTHERS, AGAINST_FROM: str(asked.against.first), AGAINST_TO: str(asked.against.last)}
        elif asked.comparison != BEFORE:
            values[AGAINST] = asked.comparison
        values |= {CHANNEL: asked.channel, PART: asked.part, CODE: asked.code, ALL: "1" if asked.everything else ""}
        return f"{path}?{urlencode({name: value for name, value in values.items() if value}, errors='replace')}"

    def on(self, period: Period) -> Self:
        """Return the same on other days, compared with what follows from them."""
        comparison = BEFORE if self.comparison == OTHERS else self.comparison
        return replace(self, period=period, comparison=comparison, against=_follows(comparison, period))


def read(given: Mapping[str, str], allowed: AllowedDays, speech: Speech, preset: str) -> Asked:
    """Return what an address asks for.

    :param given: its query.
    :param preset: the days of who names none.
    :raises AskedWrongly: it cannot be; says what can.
    """
    if any(len(value) > _LONGEST for value in given.values()):
        raise AskedWrongly(speech.say.too_long)
    texts = {name: value.strip() for name, value in given.items()}
    period = read_days(texts.get(FROM, ""), texts.get(TO, ""), allowed, speech) or presets(allowed.last)[preset]
    others = read_days(texts.get(AGAINST_FROM, ""), texts.get(AGAINST_TO, ""), allowed, speech)
    comparison = texts.get(AGAINST) or (OTHERS if others else BEFORE)
    if comparison not in AGAINST_CHOICES:
        choices = ", ".join(AGAINST_CHOICES)
        raise AskedWrongly(speech.say.not_a_choice.format(text=speech.cut(comparison), choices=choices))
    return Asked(
        period=period,
        comparison=comparison,
        against=others if comparison == OTHERS else _follows(comparison, period),
        channel=given.get(CHANNEL, "") if texts.get(CHANNEL) else "",
        part=read_part(texts, speech),
        code=given.get(CODE, "") if texts.get(CODE) else "",
        everything=texts.get(ALL) == "1",
    )


def as_far_as_it_can_be(given: Mapping[str, str], asked: Asked, speech: Speech) -> Asked:
    """Return what is shown with a form that was refused: its fields that can be, and *asked* for the days and other fields."""
    texts = {name: value for name, value in given.items() if value.strip() and len(value) <= _LONGEST}
    part = asked.part
    with suppress(AskedWrongly):
        part = read_part({name: value.strip() for name, value in texts.items()}, speech)
    comparison = texts.get(AGAINST, "").strip()
    comparison = comparison if comparison in AGAINST_CHOICES else asked.comparison
    return replace(
        asked,
        comparison=comparison,
        against=asked.against if comparison == asked.comparison else _follows(comparison, asked.period),
        channel=texts.get(CHANNEL, ""),
        part=part,
        code=texts.get(CODE, ""),
    )


def typed_days(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the days that the fields of a form name, as they were typed, whether or not they can be asked for together."""
    typed = {}
    for name in (FROM, TO, AGAINST_FROM, AGAINST_TO):
        with suppress(DaysRefused):
            typed[name] = str(parse_day(given.get(name, "").strip()))
    return typed


def _follows(comparison: str, period: Period) -> Period | None:
    if comparison == WEEK:
        return weekdays_before(period)
    return period.before() if comparison == BEFORE and period.first > date.min else None


def is_over(period: Period, known_until: datetime | None) -> bool:
    """Return whether all of a period lies before a moment."""
    return known_until is not None and period.last < known_until.date()
