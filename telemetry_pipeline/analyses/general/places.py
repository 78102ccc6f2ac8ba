"""Analyses by place: where viewers are, as the address that they came from tells."""

from __future__ import annotations

import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import UNIQUE_DEVICES, UNIQUE_SUBSCRIBERS, VIEWS

_GEOGRAPHY = """
select country, isp, count(*) as views, count(distinct device_id) as unique_devices,
       count(distinct subscriber_code) as unique_subscribers
from counted
where country is not null and isp is not null
group by all
order by country, isp
"""


@analysis(
    parameters=GeneralParameters,
    base="unique_subscribers",
    columns=(
        Column("country", "text", "country of the address", key=True, of=("country",)),
        Column("isp", "text", "internet provider of the address", key=True, of=("isp",)),
        VIEWS,
        UNIQUE_DEVICES,
        UNIQUE_SUBSCRIBERS,
    ),
)
def geography(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """From which countries and internet providers do viewers come?

    Views, devices and subscribers of every pair of country and provider of the window, by name; a view that lacks
    either is left out.
    """
    return views.query(_GEOGRAPHY)
