"""Which runs somebody asks for, as the address of the page says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from telemetry_pipeline.days import parse_day
from telemetry_pipeline.errors import AskedWrongly, RequestRefused
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.steering.tasks import ASSETS, State, Wanted
from telemetry_pipeline.web.frame.days import read_days

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
        """Return the same as part of an address, with other fields beside."""
        given = {**{name: text for name, text in self.texts.items() if text}, **others}
        return f"?{urlencode(given)}" if given else ""


def blank(texts: Mapping[str, str]) -> Asked:
    """Return a form whose fields cannot be, which asks for nothing, without days that are none: browsers do not show them."""
    return Asked({name: text for name, text in texts.items() if name not in ("from", "to") or _is_day(text)}, Wanted())


def fields(query: Mapping[str, str]) -> dict[str, str]:
    """Return what the form's fields have, cut to what they may be."""
    return {name: query.get(name, "").strip()[:100] for name in ("state", "job", "from", "to")}


def read(query: Mapping[str, str], speech: Speech) -> Asked:
    """Return what an address asks for.

    :raises RequestRefused: there is no such state, job or day; in the words of the page.
    """
    texts, say = fields(query), speech.say
    if texts["state"] and texts["state"] not in list(State):
        raise AskedWrongly(say.no_such_state.format(text=texts["state"]))
    if texts["job"] and texts["job"] not in (*JOBS, ASSETS):
        raise AskedWrongly(say.no_such_job.format(text=texts["job"]))
    after = query.get("after") or None
    if after is not None and not RUN_ID.fullmatch(after):
        raise AskedWrongly(say.no_such_page)
    read_days(texts["from"], texts["to"], None, speech)
    first, last = _day(texts["from"]), _day(texts["to"])
    return Asked(texts, Wanted(State(texts["state"]) if texts["state"] else None, texts["job"] or None, first, last), after)


def _is_day(text: str) -> bool:
    try:
        return _day(text) is not None
    except RequestRefused:
        return False


def _day(text: str) -> date | None:
    return parse_day(text) if text else None
