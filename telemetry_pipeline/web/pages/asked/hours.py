"""Hours of the day that people choose: a part of it by its name, or any whole hours of one day, written as 20-24."""

from __future__ import annotations

import re
from collections.abc import Mapping

from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words import stored

PART, FROM_HOUR, TO_HOUR = "franja", "hora_desde", "hora_hasta"
PARTS = {
    name: range(6 * place, 6 * place + 6)
    for place, name in enumerate((stored.SMALL_HOURS, stored.MORNING, stored.AFTERNOON, stored.EVENING))
}
"""The hours of each part of the day."""

_NAMED = {"": range(24), **PARTS}
_WRITTEN = re.compile("([0-9]{1,2})-([0-9]{1,2})")


def hours_of(part: str) -> range:
    """Return the hours of what :func:`read_part` gives."""
    return _NAMED[part] if part in _NAMED else range(*map(int, part.split("-")))


def name_of(part: str, speech: Speech) -> str:
    """Return what people call it: ``noche, 18 a 24 h``, or ``20 a 24 h``."""
    hours = hours_of(part)
    return speech.say[f"part_{part}"] if part in PARTS else speech.hours(hours.start, hours.stop)


def read_part(texts: Mapping[str, str], speech: Speech) -> str:
    """Return which hours an address asks for: a part's name, empty for the whole day, or such as ``20-24``; the same always
    alike.

    A form has the first hour and the end in fields of their own, of which one that is left open is that of the day.

    :raises AskedWrongly: there are no such hours; says which there are.
    """
    text = texts.get(PART, "")
    if not text and (texts.get(FROM_HOUR) or texts.get(TO_HOUR)):
        text = f"{texts.get(FROM_HOUR) or 0}-{texts.get(TO_HOUR) or 24}"
    hours = _NAMED.get(text) or _written(text, speech)
    return next((name for name, named in _NAMED.items() if named == hours), f"{hours.start}-{hours.stop}")


def _written(text: str, speech: Speech) -> range:
    written = _WRITTEN.fullmatch(text)
    first, end = map(int, written.groups()) if written else (0, 0)
    if not written or max(first, end) > 24:
        choices = ", ".join([speech.say.whole_day, *PARTS, speech.say.any_hours])
        raise AskedWrongly(speech.say.not_a_choice.format(text=speech.cut(text), choices=choices))
    if first >= end:
        raise AskedWrongly(speech.say.hours_end_before.format(first=first, end=end))
    return range(first, end)
