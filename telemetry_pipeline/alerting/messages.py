"""How a message reads: plain text in English, for somebody who was just woken up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.alerting.telling import Kind, Telling

_HEADINGS = {Kind.PROBLEM: "PROBLEM", Kind.REMINDER: "STILL", Kind.RECOVERY: "OVER"}


def compose(telling: Telling, now: datetime, zone: ZoneInfo, web_url: str | None) -> tuple[str, str]:
    """Subject and body.

    :param zone: of the times in it.
    :param web_url: where people open the web UI; None if nobody knows.
    """
    incident = telling.incident
    since = incident.opened_at
    lines = [incident.summary, ""]
    if telling.kind is Kind.RECOVERY:
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
        lines += [f"Look: {base}/runs/{incident.run_id}" if incident.run_id else f"Look: {base}"]
    if telling.kind is not Kind.RECOVERY:
        if incident.detail:
            lines += ["", incident.detail]
        if incident.advice:
            lines += ["", f"What to do: {incident.advice}"]
    if telling.kind is not Kind.RECOVERY and incident.resolved_at is None:
        when = "while this lasts" if incident.lasts else "in which it happens again"
        lines += ["", f"You are reminded every hour {when}, and told when it is over."]
    subject = f"[Telemetry Pipeline] {_HEADINGS[telling.kind]}: {' '.join(incident.summary.split())}"
    return subject, "\n".join(lines)


def _moment(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _span(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
