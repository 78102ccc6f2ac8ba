"""How a message reads: plain text, for somebody who was just woken up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.monitoring.alerts.telling import Occasion, Telling
from telemetry_pipeline.monitoring.told import told_of
from telemetry_pipeline.printable import printable
from telemetry_pipeline.sockets import DAGSTER_PATH
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.upkeep.alerts import ALERTS

# What of a message goes first where a service takes no more: all but the advice, what to do.
_LEAST_NEEDED = ("detail", "closing", "title", "facts", "advice")
_READABLE = 20


def subject_of(telling: Telling, language: Language) -> str:
    """Return one line that says what it is about."""
    heading = Texts(ALERTS, language)[telling.occasion.value]
    return f"[Telemetry Pipeline] {heading}: {_one_line(told_of(telling.incident, language).title)}"


def compose(
    telling: Telling, now: datetime, zone: ZoneInfo, web_url: str | None, language: Language, room: int | None = None
) -> str:
    """Return the body.

    :param zone: of the times in it.
    :param web_url: where people find the front door; None if nobody knows.
    :param room: how many characters it may have; None for as many as it takes.
    """
    incident, say, told = telling.incident, Texts(ALERTS, language), told_of(telling.incident, language)
    parts = {"title": _one_line(told.title), "facts": "\n".join(_facts(telling, now, zone, web_url, say))}
    if telling.occasion is not Occasion.RECOVERY:
        detail = printable("\n".join(told.technical), "\n")
        parts |= {
            "detail": say.technical.format(detail=detail) if detail else "",
            "advice": say.advice.format(advice=_one_line(told.advice)) if told.advice else "",
        }
        if incident.resolved_at is None:
            parts["closing"] = say.while_it_lasts if incident.lasts else say.when_it_comes_again
    for name in _LEAST_NEEDED:
        if room is None or (over := len(_joined(parts)) - room) <= 0:
            break
        if name in parts:
            parts[name] = _cut(parts[name], len(parts[name]) - over)
    return _joined(parts)


def _facts(telling: Telling, now: datetime, zone: ZoneInfo, web_url: str | None, say: Texts) -> list[str]:
    incident = telling.incident
    since, over = incident.opened_at, incident.resolved_at
    lines = []
    if telling.occasion is Occasion.RECOVERY:
        lines += [say.over, say.began.format(at=_moment(since, zone)), say.ended.format(at=_moment(over or now, zone))]
        lines += [say.lasted.format(span=_span((over or now) - since))]
    else:
        if over is None:
            lines += [say.since.format(at=_moment(since, zone), span=_span(now - since))]
        else:
            lines += [say.since_until.format(at=_moment(since, zone), over=_moment(over, zone))]
        if incident.times > 1:
            lines += [say.times.format(n=incident.times, at=_moment(incident.last_at, zone))]
    if incident.openings > 1:
        lines += [say.openings.format(n=incident.openings)]
    if incident.run_id:
        lines += [say.run.format(run=incident.run_id)]
    if web_url:
        base = web_url.rstrip("/")
        address = f"{base}{DAGSTER_PATH}/runs/{incident.run_id}" if incident.run_id else base
        lines += [say.look.format(address=address)]
    return lines


def _joined(parts: Mapping[str, str]) -> str:
    return "\n\n".join(parts[name] for name in ("title", "facts", "advice", "detail", "closing") if parts.get(name))


def _cut(text: str, length: int) -> str:
    """Cut a text to what there is room for; to nothing where nobody could make sense of it."""
    return f"{text[: length - 1].rstrip()}…" if length >= _READABLE else ""


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _moment(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _span(span: timedelta) -> str:
    return duration(max(0.0, span.total_seconds()))
