"""What the forms ask for: a report now, or that people get one whenever it is due. What is wrong is said in its words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from telemetry_pipeline.analyses.reports import KINDS, Kind
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.reports.archive.formats import FORMATS
from telemetry_pipeline.reports.publishing.subscribing import MOST_RECIPIENTS
from telemetry_pipeline.settings.values import mail_address
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.steering.launch import Launch, plan
from telemetry_pipeline.tags import Priority
from telemetry_pipeline.web.frame.days import read_days

FORMAT = "format."
"""With what the name of the box of a format begins."""

Form = Mapping[str, str]
IsChannel = Callable[[str], bool]


@dataclass(frozen=True)
class AskedSubscription:
    """What somebody subscribes others to."""

    report: str
    channel: str
    formats: list[str]
    recipients: list[str]


def read_report(form: Form, allowed: AllowedDays, speech: Speech, is_channel: IsChannel) -> Launch:
    """Return the run that makes the report: of its partition where that has the same days, else of these days by parameters.

    Of no days it is the last of its periods that is over.

    :raises RequestRefused: it cannot be.
    """
    kind = _kind(form, speech)
    channel = _channel(form, kind, speech, is_channel)
    period = read_days(_field(form, "from"), _field(form, "to"), allowed, speech) or kind.last_period(allowed.last)
    if period.first < allowed.first:
        raise AskedWrongly(speech.say.no_period_yet.format(first=speech.day(allowed.first)))
    partition = _partition(kind, period, allowed)
    parameters = {"channel": channel, "send_to": _address(_field(form, "send_to"), speech)}
    if period != kind.period_of(partition):
        parameters |= {"first": str(period.first), "last": str(period.last)}
    # As JSON, for a channel may be called "24" or "true".
    lines = [f"{kind.name}.{name}={json.dumps(value)}" for name, value in parameters.items() if value]
    return plan(all_assets()[kind.name], Period(partition, partition), lines, allowed, Priority.NORMAL)


def _partition(kind: Kind, period: Period, allowed: AllowedDays) -> date:
    """Return the partition of the run: that of the last day, and the next one if that begins before there are any."""
    own = kind.period_of(period.last)
    return (own if own.first >= allowed.first else kind.period_of(own.last + timedelta(days=1))).first


def read_subscription(form: Form, speech: Speech, is_channel: IsChannel) -> AskedSubscription:
    """Return what is asked for.

    :raises RequestRefused: it cannot be.
    """
    kind, say = _kind(form, speech), speech.say
    channel = _channel(form, kind, speech, is_channel)
    formats = [name.removeprefix(FORMAT) for name in form if name.startswith(FORMAT)]
    if not formats or not FORMATS.keys() >= set(formats):
        raise AskedWrongly(say.no_format.format(formats=", ".join(FORMATS)))
    recipients = [_address(each, speech) for each in re.split(r"[\s,;]+", form.get("recipients", "")) if each]
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise AskedWrongly(say.how_many_recipients.format(n=len(recipients), most=MOST_RECIPIENTS))
    return AskedSubscription(kind.name, channel, formats, recipients)


def _field(form: Form, name: str) -> str:
    return form.get(name, "").strip()


def _kind(form: Form, speech: Speech) -> Kind:
    name = _field(form, "report")
    if name not in KINDS:
        raise AskedWrongly(speech.say.no_such_report.format(text=speech.cut(name)))
    return KINDS[name]


def _channel(form: Form, kind: Kind, speech: Speech, is_channel: IsChannel) -> str:
    channel, say = _field(form, "channel"), speech.say
    if kind.of_channel and not channel:
        raise AskedWrongly(say.channel_missing)
    if channel and not kind.of_channel:
        raise AskedWrongly(say.channel_not_taken)
    if channel and not is_channel(channel):
        raise AskedWrongly(say.no_such_channel.format(text=speech.cut(channel)))
    return channel


def _address(text: str, speech: Speech) -> str:
    """Return a mail address, or an empty text as it is."""
    try:
        return mail_address(text) if text else ""
    except ValueError:
        raise AskedWrongly(speech.say.no_address.format(text=speech.cut(text))) from None
