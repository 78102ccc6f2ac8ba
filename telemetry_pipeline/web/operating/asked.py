"""Which runs somebody asks for, as the address of the page says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from telemetry_pipeline.days import parse_day
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.steering.tasks import State, Wanted

RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Asked:
    """The form as it was filled in, and what it means.

    :ivar texts: by the names of its fields.
    :ivar after: the last run of the page before.
    """

    texts: Mapping[str, str]
    wanted: Wanted
    after: str | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether not all runs are asked for."""
        return self.wanted != Wanted()

    def query(self, **others: str) -> str:
        """The same as part of an address, with other fields beside."""
        given = {**{name: text for name, text in self.texts.items() if text}, **others}
        return f"?{urlencode(given)}" if given else ""


def blank(texts: Mapping[str, str]) -> Asked:
    """A form whose fields cannot be, which asks for nothing; days that are none are left out, which a browser would not show."""
    return Asked({name: text for name, text in texts.items() if name not in ("from", "to") or _is_day(text)}, Wanted())


def fields(query: Mapping[str, str]) -> dict[str, str]:
    """What the form's fields have, cut to what they may be."""
    return {name: query.get(name, "").strip()[:100] for name in ("state", "job", "from", "to")}


def read(query: Mapping[str, str]) -> Asked:
    """What an address asks for.

    :raises RequestRefused: there is no such state, job or day.
    """
    texts = fields(query)
    if texts["state"] and texts["state"] not in list(State):
        raise RequestRefused(f"there is no state {texts['state']!r}", f"states: {', '.join(State)}")
    after = query.get("after") or None
    if after is not None and not RUN_ID.fullmatch(after):
        raise RequestRefused("what is given as 'after' is no run's id")
    wanted = Wanted(
        State(texts["state"]) if texts["state"] else None, texts["job"] or None, _day(texts["from"]), _day(texts["to"])
    )
    return Asked(texts, wanted, after)


def _is_day(text: str) -> bool:
    try:
        return _day(text) is not None
    except RequestRefused:
        return False


def _day(text: str) -> date | None:
    return parse_day(text) if text else None
