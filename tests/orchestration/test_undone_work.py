"""A tick leaves nothing undone: what the one before it left, what somebody took away, what other code or rules computed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from orchestration.conftest import SOME_OF_EACH
from orchestration_harness import materialized, metadata_of, record, scalar

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.documents import stale_documents
from telemetry_pipeline.results.freshness import staleness
from telemetry_pipeline.results.freshness.staleness import stale_of
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.warehouse.db.connections import connect


def test_a_merge_that_failed_is_made_up_for_by_a_tick_without_news(pipeline: Any, now: datetime, this_day: date) -> None:
    """The records were stored, and their run died before it merged them."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=["telemetry_records"]).success
    assert scalar(pipeline, "select count(*) from telemetry.views") == 0
    assert pipeline.run(this_day).success
    assert scalar(pipeline, "select count(*) from telemetry.views") == 1


FIVE_AND_DOCUMENTS = [*SOME_OF_EACH, "full_analysis", "period_analysis"]


def left_undone(pipeline: Any, day: date, rules: Rules | None = None) -> set[str]:
    """What of a day is not of what is stored, of the analyses and documents that these tests compute."""
    engine = connect(pipeline.settings.database_url)
    chosen = {name: find_analysis(name).parse({}) for name in FIVE_AND_DOCUMENTS[2:5]}
    return {
        *stale_of(engine, day, chosen, rules or rules_of(pipeline.settings)),
        *stale_documents(engine, day, day).get(day, {}),
    }


@pytest.mark.parametrize("last_step", FIVE_AND_DOCUMENTS)
@pytest.mark.slow
def test_whatever_a_tick_did_last_before_it_died_the_next_one_leaves_nothing_undone(
    pipeline: Any, now: datetime, this_day: date, last_step: str
) -> None:
    """No newer record comes: a tick that asked only whether there is any would leave today's figures as they were for good."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    pipeline.simulator.add_records([record(2, 8, now)])
    done = FIVE_AND_DOCUMENTS[: FIVE_AND_DOCUMENTS.index(last_step) + 1]
    assert pipeline.run(this_day, selection=done).success
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    assert left_undone(pipeline, this_day) == set()
    assert scalar(pipeline, "select views from analysis.general_summary") == 2
    document = (
        "select body->'analyses'->'general_summary'->0->>'views' from analysis.documents where document = 'full_analysis'"
    )
    assert scalar(pipeline, document) == "2"
    assert materialized(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "drop table analysis.top_channels cascade",
        "truncate analysis.general_summary",
        "delete from analysis.period_summary",
        "delete from analysis.results where asset = 'top_channels'",
        "alter table analysis.top_channels drop column share_pct cascade",
        "delete from analysis.documents where document = 'period_analysis'",
    ],
)
@pytest.mark.slow
def test_a_tick_makes_up_for_what_somebody_took_away(pipeline: Any, now: datetime, this_day: date, statement: str) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    with connect(pipeline.settings.database_url).begin() as connection:
        connection.execute(sa.text(statement))
    assert left_undone(pipeline, this_day) != set()
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    assert left_undone(pipeline, this_day) == set()
    assert materialized(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.slow
def test_a_tick_without_news_computes_what_other_code_or_other_rules_computed(
    pipeline: Any, now: datetime, this_day: date, make_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS).success
    for module in (computing, staleness):
        monkeypatch.setattr(module, "code_version", lambda _: "another")
    said = metadata_of(pipeline.run(this_day, selection=FIVE_AND_DOCUMENTS), "top_channels", this_day)["result"]
    assert said == "computed: the code changed"
    given = pipeline.settings.model_dump(include={"database_url", "redis_url", "panaccess_url"})
    other = type(pipeline)(make_settings(**given, small_base_subscribers=2), pipeline.simulator, pipeline.instance)
    said = metadata_of(other.run(this_day, selection=FIVE_AND_DOCUMENTS), "top_channels", this_day)["result"]
    assert said == "computed: the views changed"
    assert materialized(other.run(this_day, selection=FIVE_AND_DOCUMENTS)) == {}


@pytest.mark.slow
def test_parameters_that_are_given_to_a_tick_without_news_are_computed(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    config = {"ops": {"general": {"config": {"top_channels": {"limit": 3}}}}}
    for found in ({this_day.isoformat()}, None):
        assert materialized(pipeline.run(this_day, run_config=config)).get("top_channels") == found
