"""The days that fields of a form name, and in words of the page what is wrong with them."""

from __future__ import annotations

from datetime import date

from telemetry_pipeline.days import AllowedDays, Period, asked_period
from telemetry_pipeline.errors import AskedWrongly, DaysRefused
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Texts


def read_days(first: str, last: str, allowed: AllowedDays | None, speech: Speech) -> Period | None:
    """Return the days that two fields name; one day where one of them is left open, None where both are.

    :param allowed: those that may be asked for; None: any.
    :raises AskedWrongly: they cannot be; says what can.
    """
    given = [text for text in (first, last) if text]
    if not given:
        return None
    try:
        return allowed.asked(None, given[0], given[-1]) if allowed else asked_period(None, given[0], given[-1])
    except DaysRefused as err:
        bounds = {"first": allowed.first, "last": allowed.last} if allowed else {}
        values = {
            name: speech.day(value) if isinstance(value, date) else speech.cut(value)
            for name, value in {**bounds, **err.values}.items()
        }
        raise AskedWrongly(Texts(DOOR, speech.language)[f"days_{err.rule}"].format(**values)) from None
