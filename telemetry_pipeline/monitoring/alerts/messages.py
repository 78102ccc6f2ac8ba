"""How a message reads: plain text in English, for somebody who was just woken up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.monitoring.alerts.telling import Occasion, Telling
from telemetry_pipeline.printable import printable
from telemetry_pipeline.sockets import DAGSTER_PATH

_HEADINGS = {Occasion.PROBLEM: "PROBLEM", Occasion.REMINDER: "STILL", Occasion.RECOVERY: "OVER"}


# What of a message goes first where a service takes no more: all but the advice, what to do.
_LEAST_NEEDED = ("detail", "closing", "summary", "facts", "advice")
_READABLE = 20


def subject_of(telling: Telling) -> str:
    """Return one line that says what it is about."""
    return f"[Telemetry Pipeline] {_HEADINGS[telling.occasion]}: {_one_line(telling.incident.summary)}"


def compose(telling: Telling, now: datetime, zone: ZoneInfo, web_url: str | None, room: int | None = None) -> str:
    """Return the body.

    :param zone: of the times in it.
    :param web_url: where people find the front door; None if nobody knows.
    :param room: how many characters it may have; None for as many as it takes.
    """
    incident = telling.incident
    summary, detail = _one_line(incident.summary), printable(incident.detail, "\n")
    parts = {"summary": summary, "facts": "\n".join(_facts(telling, now, zone, web_url))}
    if telling.occasion is not Occasion.RECOVERY:
        parts |= {"detail": detail, "advice": f"What to do: {incident.advice}" if incident.advice else ""}
        if incident.resolved_at is None:
            when = "while this lasts" if incident.lasts else "in which it happens again"
            parts["closing"] = f"You are reminded every hour {when}, and told when it is over."
    for name in _LEAST_NEEDED:
        if room is None or (over := len(_joined(parts)) - room) <= 0:
            break
        if name in parts:
            parts[name] = _cut(parts[name], len(parts[name]) - over)
    return _joined(parts)


def _facts(telling: Telling, now: datetime, zone: ZoneInfo, web_url: str | None) -> list[str]:
    incident = telling.incident
    since = incident.opened_at
    lines = []
    if telling.occasion is Occasion.RECOVERY:
        over = incident.resolved_at or now
        lines += ["This is over.", f"Began: {_moment(since, zone)}", f"Ended: {_moment(over, zone)}"]
        lines += [f"Lasted: {_span(over - since)}"]
    else:
        ended = f", ended {_moment(incident.resolved_at, zone)}" if incident.resolved_at else ""
        lasting = "" if incident.resolved_at else f" ({_span(now - since)})"
        lines += [f"Since: {_moment(since, zone)}{lasting}{ended}"]
        if incident.times > 1:
            lines += [f"Reported: {incident.times} times, last {_moment(incident.last_at, zone)}"]
    if incident.openings > 1:
        lines += [f"Within a day: came up {incident.openings} times"]
    if incident.run_id:
        lines += [f"Run: {incident.run_id}"]
    if web_url:
        base = web_url.rstrip("/")
        lines += [f"Look: {base}{DAGSTER_PATH}/runs/{incident.run_id}" if incident.run_id else f"Look: {base}"]
    return lines


def _joined(parts: Mapping[str, str]) -> str:
    return "\n\n".join(parts[name] for name in ("summary", "facts", "detail", "advice", "closing") if parts.get(name))


def _cut(text: str, length: int) -> str:
    """As much as there is room for; nothing where nobody could make sense of it."""
    return f"{text[: length - 1].rstrip()}…" if length >= _READABLE else ""


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _moment(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _span(span: timedelta) -> str:
    return duration(max(0.0, span.total_seconds()))
