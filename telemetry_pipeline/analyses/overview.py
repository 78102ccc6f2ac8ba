"""Analyses of everything at once: what the whole audience amounts to."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import GeneralParameters, Period, analysis
from telemetry_pipeline.analyses.views import query
from telemetry_pipeline.warehouse.columns import Column

# All four groupings in one scan, each in a hash table of its own. grouping() has a bit for each column that a row is
# not grouped by, the last column's lowest: 7 is the row of everything, which is there even when nothing was seen.
_GENERAL_SUMMARY = """
select max(views) filter (where grouped = 7) as views,
       count(subscriber_code) as active_subscribers,
       count(device_id) as unique_devices,
       count(channel_name) as unique_channels,
       coalesce(max(seconds) filter (where grouped = 7), 0) / 3600.0::double precision as watch_hours
from (
    select grouping(subscriber_code, device_id, channel_name) as grouped,
           subscriber_code, device_id, channel_name, count(*) as views, sum(duration_seconds) as seconds
    from counted
    group by grouping sets ((subscriber_code), (device_id), (channel_name), ())
) as groups
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        Column("views", "bigint", "views that have a duration", unit="views"),
        Column("active_subscribers", "bigint", "subscribers with a view", unit="subscribers"),
        Column("unique_devices", "bigint", "devices with a view", unit="devices"),
        Column("unique_channels", "bigint", "channels with a view, by name", unit="channels"),
        Column("watch_hours", "double precision", "time watched", unit="hours"),
    ),
)
def general_summary(connection: sa.Connection, period: Period, parameters: GeneralParameters) -> pd.DataFrame:
    """How much was watched, by how many, on how many channels?

    One row of totals over the window; all zeros when nothing was seen.
    """
    return query(connection, period, _GENERAL_SUMMARY)
