"""Every analysis gives what a slow and simple computation over the same views gives."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

import pytest
from analyses.conftest import History
from analyses.histories import REQUIRED, WINDOWS, Made, histories
from analyses.oracle import Row, by_subscriber, channels_of, hours, mean, root, variance
from analyses.oracles import ORACLES, expected
from analyses.seen import Cap, Seen
from hypothesis import given, note, settings

from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import Period

FEW = 2
"""Fewer subscribers than these are a small base here, for histories have six at most."""


def about(rows: Iterable[Row]) -> list[Row]:
    """Rows that equal those whose floating-point numbers differ by rounding."""
    return [
        {
            column: pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value
            for column, value in row.items()
        }
        for row in rows
    ]


def test_every_analysis_has_an_oracle() -> None:
    assert {*ORACLES, "subscriber_segments"} == set(all_analyses())


@pytest.mark.parametrize("name", ORACLES)
@settings(max_examples=25, deadline=None)
@given(made=histories)
def test_an_analysis_gives_what_its_oracle_gives(name: str, made: Made) -> None:
    """Whatever is known of the days; capped or not: to the hours of a view's end belongs one that was cut before, too."""
    analysis = find_analysis(name)
    parameters = made.parameters(name)
    required = {key: value for key, value in parameters.items() if key in REQUIRED.get(name, {})}
    period = made.period()
    if not analysis.is_of_period:
        period = analysis.window(made.day, analysis.parse({"window_days": made.rng.choice(WINDOWS), **required}))
    cap: Cap = made.rng.choice([None, None, None, 0.25, 2.0, "auto"])
    note(f"{name} of {period} with {parameters}, cap {cap}")
    found = History(made.views, made.zone, cap, made.known, FEW).ask(name, period, **parameters)
    if name == "subscriber_overview":
        assert all(row.pop("unit") for row in found)
    assert found == about(expected(name, made.views, period, made.zone, made.known, cap, FEW, **parameters))


@pytest.mark.parametrize("name", ["churn_risk", "day_over_day", "period_comparison"])
@settings(max_examples=25, deadline=None)
@given(made=histories.filter(lambda made: made.known.known_until is not None))
def test_what_compares_days_gives_what_its_oracle_gives_on_the_day_that_is_known_in_part(name: str, made: Made) -> None:
    assert made.known.known_until
    last = made.known.known_until.astimezone(made.zone).date()
    period = Period(last - timedelta(days=made.rng.choice([0, 1, 1, 2, 3, 5, 6, 13])), last)
    parameters = made.parameters(name)
    note(f"{name} of {period} with {parameters}")
    found = History(made.views, made.zone, None, made.known, FEW).ask(name, period, **parameters)
    assert found == about(expected(name, made.views, period, made.zone, made.known, None, FEW, **parameters))


def features(seen: Seen) -> list[tuple[Fraction, ...]]:
    """What subscribers are told apart by, of each in the order of the columns."""
    return [
        (Fraction(len(views)), hours(views), mean(v.seconds for v in views), Fraction(channels_of(views)))
        for views in by_subscriber(seen.views).values()
    ]


MEANS = ("mean_views", "mean_watch_hours", "mean_average_seconds", "mean_unique_channels")


@settings(max_examples=25, deadline=None)
@given(made=histories)
def test_segments_are_a_partition_of_the_subscribers(made: Made) -> None:
    analysis = find_analysis("subscriber_segments")
    n_segments = made.rng.choice([2, 3, 4, 6])
    period = analysis.window(made.day, analysis.parse({"window_days": made.rng.choice(WINDOWS)}))
    history = History(made.views, made.zone, known=made.known, small_base=FEW)
    found = history.ask("subscriber_segments", period, n_segments=n_segments)
    vectors = features(Seen(tuple(made.views), period, made.zone))
    assert len(found) == min(n_segments, len(set(vectors)))
    four = ["ocasionales", "regulares", "activos", "super activos"]
    assert [row["segment"] for row in found] == (four if len(found) == 4 else [f"segmento {n + 1}" for n in range(len(found))])
    assert sorted(row["mean_watch_hours"] for row in found) == [row["mean_watch_hours"] for row in found]
    assert all(row["subscribers"] > 0 for row in found)
    assert [row["small_base"] for row in found] == [row["subscribers"] < FEW for row in found]
    assert sum(row["subscribers"] for row in found) == len(vectors)
    assert [row["share_pct"] for row in found] == [pytest.approx(100 * row["subscribers"] / len(vectors)) for row in found]
    for column, values in zip(MEANS, zip(*vectors, strict=True), strict=False):
        assert sum(row["subscribers"] * row[column] for row in found) == pytest.approx(float(sum(values)))


@settings(max_examples=25, deadline=None)
@given(made=histories)
def test_every_subscriber_is_in_the_segment_whose_mean_is_nearest(made: Made) -> None:
    """Told from the means alone: who is put to the nearest of them gives segments of the same sizes and means."""
    period = Period(date.min, made.day)
    found = History(made.views, made.zone).ask("subscriber_segments", period, n_segments=made.rng.choice([2, 3, 4, 6]))
    vectors = features(Seen(tuple(made.views), period, made.zone))
    if not vectors:
        return
    columns = list(zip(*vectors, strict=True))
    scales = [float(root(variance(values))) or 1.0 for values in columns]
    members: list[list[tuple[Fraction, ...]]] = [[] for _row in found]
    for vector in vectors:
        distances = [
            sum(((float(x) - row[column]) / scale) ** 2 for x, column, scale in zip(vector, MEANS, scales, strict=True))
            for row in found
        ]
        near = sorted(distances)
        if any(b - a < 1e-9 for a, b in itertools.pairwise(near[:2])):
            return
        members[distances.index(near[0])].append(vector)
    for row, inside in zip(found, members, strict=True):
        assert row["subscribers"] == len(inside)
        assert [row[column] for column in MEANS] == [
            pytest.approx(float(mean(values)), rel=1e-6, abs=1e-9) for values in zip(*inside, strict=True)
        ]
