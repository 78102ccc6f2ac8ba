"""What is to be known of a page before its figures are believed: how far data go, how old they are, which days lack some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from telemetry_pipeline.days import Period
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.pages.shown.knowledge import Knowledge


@dataclass(frozen=True)
class Notice:
    """A sentence.

    :ivar tone: ``plain``, or ``provisional`` and ``stale`` of what is to be minded. :ivar term: in the glossary.
    """

    text: str
    tone: Literal["plain", "provisional", "stale"] = "plain"
    term: str = ""


def notices(known: Knowledge, period: Period, speech: Speech) -> list[Notice]:
    """Return what is to be said of the figures of some days: how old they are, and which days are provisional."""
    say = speech.say
    if known.days.first_day is None:
        return [Notice(f"{say.known_nothing} {say.known_nothing_advice}", "stale")]
    found = []
    if known.stale_for is not None:
        found.append(Notice(say.stale.format(age=speech.age(known.stale_for.total_seconds())), "stale"))
    if known.days.known_until is not None:
        found.append(Notice(say.known_until.format(moment=speech.moment(known.days.known_until))))
    days = known.incomplete(period)
    if len(days) == 1:
        found.append(Notice(say.provisional_days.format(days=speech.day(days[0], weekday=True)), "provisional", "provisional"))
    elif days:
        found.append(Notice(say.provisional_many.format(count=len(days)), "provisional", "provisional"))
    return found
