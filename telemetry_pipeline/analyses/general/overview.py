"""Analyses of everything at once: what the whole audience amounts to."""

from __future__ import annotations

import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import UNIQUE_CHANNELS, UNIQUE_DEVICES, VIEWS, WATCH_HOURS

_GENERAL_SUMMARY = """
select count(*) as views, count(distinct subscriber_code) as active_subscribers, count(distinct device_id) as unique_devices,
       count(distinct channel_name) as unique_channels, coalesce(sum(duration_seconds), 0) / 3600 as watch_hours
from counted
"""


@analysis(
    parameters=GeneralParameters,
    covers="all",
    base="active_subscribers",
    columns=(
        VIEWS,
        Column("active_subscribers", "bigint", "subscribers with a view", unit="subscribers", of=("subscriber_code",)),
        UNIQUE_DEVICES,
        UNIQUE_CHANNELS,
        WATCH_HOURS,
    ),
)
def general_summary(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How much was watched, by how many, on how many channels?

    One row of totals over the window; all zeros when nothing was seen.
    """
    return views.query(_GENERAL_SUMMARY)
