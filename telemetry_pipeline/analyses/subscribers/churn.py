"""Which subscribers may be about to leave."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.clock import parts_frame
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    SUBSCRIBER,
)


class ChurnRisk(GeneralParameters):
    """Parameters of :func:`churn_risk`."""

    window_days: int | None = Field(
        default=14, ge=2, le=36_500, description="days to halve, the partition's own day included; null for all history"
    )
    min_views: int = Field(default=3, ge=1, le=1_000_000, description="views in the first half from which a fall counts")


_CHURN_RISK = """
with halves as (
    select subscriber_code, count(*) filter (not is_last and ended_at < until) as views_previous,
           count(*) filter (is_last and ended_at < until) as views_last, max(local_date) as last_seen
    from counted left join parts using (local_date)
    where subscriber_code is not null
    group by subscriber_code
)
select *, case when views_previous < $min_views then 'low' when views_last = 0 then 'high'
               when 2 * views_last <= views_previous then 'medium' else 'low' end as risk
from halves
order by risk, views_previous desc, subscriber_code
"""


@analysis(
    theme="subscribers",
    parameters=ChurnRisk,
    columns=(
        SUBSCRIBER,
        Column(
            "views_previous", "bigint", "views in the first half of the window, as far as it is compared", of=("local_date",)
        ),
        Column("views_last", "bigint", "views in the last half of the window, as far as it is known", of=("local_date",)),
        Column("last_seen", "date", "day of the last view in the window", of=("local_date",)),
        Column("risk", "text", "high: watches no more; medium: half of what it was, or less", of=("local_date",)),
    ),
)
def churn_risk(views: Views, parameters: ChurnRisk) -> pd.DataFrame:
    """Which subscribers may be about to leave?

    The window is halved; of an odd number of days the first half has one more. A provisional day of the last half is compared
    with the same elapsed part of its fellow in the first; days of which a part is unknown, and their fellows, are left out. Of
    those with at least ``min_views`` views in the first half, the risk is high when they have none in the last, and medium when
    they have at most half as many. All others are at low risk and not listed, only counted. Those who watched most come first
    within each risk.
    """
    days = views.days()
    half = len(days) // 2
    pairs = clock.pairs(days[len(days) - half :], days[len(days) - 2 * half : len(days) - half])
    parts = [(pair.day.date, True, pair.until) for pair in pairs]
    parts += [(pair.partner.date, False, pair.partner_until) for pair in pairs]
    parts += [(day.date, False, day.end) for day in days[: len(days) - 2 * half] if day.complete]
    subscribers = views.query(_CHURN_RISK, {"parts": parts_frame(parts)}, min_views=parameters.min_views)
    at_risk = subscribers[subscribers["risk"] != "low"]
    at_risk.attrs["facts"] = {"low_risk_subscribers": len(subscribers) - len(at_risk)}
    return at_risk
