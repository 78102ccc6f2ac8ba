"""Analyses by place: where viewers are, as the address that they came from tells."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import GeneralParameters, Period, analysis
from telemetry_pipeline.analyses.views import query
from telemetry_pipeline.warehouse.columns import Column

_GEOGRAPHY = """
select country, isp, views, unique_devices, unique_subscribers
from (
    select country, isp, sum(views)::bigint as views, count(device_id) as unique_devices
    from (
        select country, isp, device_id, count(*) as views
        from counted
        where country is not null and isp is not null
        group by country, isp, device_id
    ) as by_device
    group by country, isp
) as devices
join (
    select country, isp, count(subscriber_code) as unique_subscribers
    from (
        select distinct country, isp, subscriber_code from counted where country is not null and isp is not null
    ) as by_subscriber
    group by country, isp
) as subscribers using (country, isp)
order by country collate "C", isp collate "C"
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        Column("country", "text", "country of the address", key=True),
        Column("isp", "text", "internet provider of the address", key=True),
        Column("views", "bigint", "views that have a duration", unit="views"),
        Column("unique_devices", "bigint", "devices with a view from there", unit="devices"),
        Column("unique_subscribers", "bigint", "subscribers with a view from there", unit="subscribers"),
    ),
)
def geography(connection: sa.Connection, period: Period, parameters: GeneralParameters) -> pd.DataFrame:
    """From which countries and internet providers do viewers come?

    Views, devices and subscribers of every pair of country and provider of the window, by name; a view that lacks
    either is left out.
    """
    return query(connection, period, _GEOGRAPHY)
