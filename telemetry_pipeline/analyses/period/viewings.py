"""The single views of one subscriber."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import PeriodParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import CHANNEL, DATE, DURATION


class SubscriberViews(PeriodParameters):
    """Parameters of :func:`subscriber_views`."""

    subscriber_code: str = Field(min_length=1, max_length=1_000, description="code of the subscriber to look at")
    top_n: int = Field(default=100, ge=1, le=10_000, description="views to list")


_SUBSCRIBER_VIEWS = """
select row_number() over (order by ended_at desc, started_at desc, channel_name, device_id) as rank, local_date as date,
       started_at, ended_at, channel_name as channel, device_id, duration_seconds::double as duration_seconds,
       count(*) over () as found
from counted
where subscriber_code::text = $subscriber
order by rank
limit $top_n
"""


@analysis(
    theme="period",
    parameters=SubscriberViews,
    columns=(
        Column("rank", "bigint", "1 for the view that ended last", key=True, of=("ended_at",)),
        replace(DATE, key=False),
        Column(
            "started_at",
            "text",
            "when it began by the operator's clock, as ISO 8601 with the offset",
            of=("ended_at", *DURATION),
        ),
        Column("ended_at", "text", "when it ended, likewise", of=("ended_at",)),
        replace(CHANNEL, key=False),
        Column("device_id", "bigint", "the device", of=("device_id",)),
        Column("duration_seconds", "double precision", "how long it counts as watched", unit="seconds", of=DURATION),
    ),
)
def subscriber_views(views: Views, parameters: SubscriberViews) -> pd.DataFrame:
    """What did one subscriber watch, view by view?

    The views that ended in the period, the last one first; those that ended together by their beginning, the later one first,
    then by channel and device. The channel is null where no start named it. A view that a cap cuts ended when it did, and
    counts for less time. How many there are, listed or not, is told as a fact.
    """
    found = views.query(_SUBSCRIBER_VIEWS, subscriber=parameters.subscriber_code, top_n=parameters.top_n)
    for moment in ("started_at", "ended_at"):
        local = pd.to_datetime(found[moment]).dt.tz_localize("UTC").dt.tz_convert(views.rules.zone)
        found[moment] = [each.isoformat(timespec="seconds") for each in local]
    frame = found.drop(columns="found")
    frame.attrs["facts"] = {"found_views": int(found["found"].max()) if len(found) else 0}
    return frame
