"""All records of a span in the order in which they arrive: views, whatever else is reported, and what goes wrong on the way.

Clocks that are ahead, stops that come twice, starts and stops that never come. No ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from telemetry_pipeline.simulator.records.columns import Integers
from telemetry_pipeline.simulator.world import rhythm
from telemetry_pipeline.simulator.world.events import Events, others, views
from telemetry_pipeline.simulator.world.population import VIEWS_SHARE, Population
from telemetry_pipeline.simulator.world.viewing import watch

_UNPAIRED_SHARE = 0.004
_DOUBLE_SHARE = 0.003
# Seconds to hours.
_DOUBLE_MEDIAN, _DOUBLE_SIGMA, _DOUBLE_BOUNDS = 600, 2, (1, 43_200)
_FUTURE_SHARE = 0.0005
_OTHER_ACTIONS = {
    5: 0.2, 6: 0.2, 13: 0.12, 14: 0.07, 15: 0.05, 16: 0.1, 17: 0.06, 18: 0.04, 9: 0.04, 10: 0.04, 19: 0.04, 20: 0.04,
}  # fmt: skip
_MEAN_DELAY = 8
_DAY = 86_400

Arrive = Callable[[np.random.Generator, Events], Integers]


@dataclass(frozen=True)
class Span:
    """What a span of time is about.

    :ivar first: seconds since 1970, like ``last``, after which nothing arrives.
    :ivar origin: the local day, since 1970, that is the households' day 0.
    :ivar rename_at: by channel, from when on its starts carry its later name.
    :ivar free_from: from when on devices may show something; None is ever.
    """

    first: int
    last: int
    origin: int
    rename_at: Integers
    free_from: int | None = None


def happened(
    rng: np.random.Generator, population: Population, size: int, span: Span, arrive: Arrive, *, futures: int, every_action: bool
) -> Events:
    """Draw exactly ``size`` records.

    :param arrive: when records of true stamps arrive.
    :param futures: so many views are in the future for certain.
    :param every_action: whether every action occurs if there is room.
    """
    stopped = rhythm.draw_times(rng, int(size * VIEWS_SHARE), span.first, span.last)
    seen = watch(rng, population.households, stopped, _days(stopped, span), span.free_from)
    starts, stops = views(rng, population, seen, span.rename_at, span.first)
    stop_arrivals = arrive(rng, stops)
    start_arrivals = np.minimum(arrive(rng, starts), stop_arrivals)
    ahead = population.households.ahead[seen.devices] + _future(rng, seen.stopped, span.last, futures)
    starts = replace(starts, stamps=starts.stamps + ahead, arrivals=start_arrivals)
    stops = replace(stops, stamps=stops.stamps + ahead, arrivals=stop_arrivals)
    starts, stops = (each.take(rng.random(len(each)) >= _UNPAIRED_SHARE) for each in (starts, stops))
    doubles = _again(rng, stops, span.last)
    rest = _rest(rng, population, size - len(starts) - len(stops) - len(doubles), span, arrive, every_action=every_action)
    # Stable: a start that arrives with its stop has the lower id, and a double the higher one.
    everything = Events.joined([starts, stops, doubles, rest])
    return everything.take(np.argsort(everything.arrivals, kind="stable"))


def soon(rng: np.random.Generator, events: Events) -> Integers:
    """Draw when records of devices that are online arrive."""
    return np.asarray(events.stamps + rng.exponential(_MEAN_DELAY, len(events)).astype(np.int64))


def _future(rng: np.random.Generator, stopped: Integers, last: int, certain: int) -> Integers:
    """Return how much is to be added to the stamps of views: for a few, so much that they are days to months in the future."""
    future = rng.random(len(stopped)) < _FUTURE_SHARE
    future[:certain] = True
    return np.where(future, last - stopped + rng.integers(_DAY, 400 * _DAY, len(stopped)), 0)


def _again(rng: np.random.Generator, stops: Events, last: int) -> Events:
    """Return some of the stops, as they arrive once more."""
    again = stops.take(rng.random(len(stops)) < _DOUBLE_SHARE)
    later = np.clip(rng.lognormal(np.log(_DOUBLE_MEDIAN), _DOUBLE_SIGMA, len(again)), *_DOUBLE_BOUNDS).astype(np.int64)
    return replace(again, arrivals=np.minimum(again.arrivals + later, last))


def _rest(
    rng: np.random.Generator, population: Population, size: int, span: Span, arrive: Arrive, *, every_action: bool
) -> Events:
    actions = rng.choice(list(_OTHER_ACTIONS), size, p=list(_OTHER_ACTIONS.values()))
    certain = list(_OTHER_ACTIONS)[: size // 3 if every_action else 0]
    actions[: len(certain)] = certain
    stamps = rhythm.draw_times(rng, size, span.first, span.last)
    devices = population.households.draw_devices(rng, _days(stamps, span))
    rest = others(rng, population, actions, stamps, devices)
    return replace(rest, stamps=stamps + population.households.ahead[devices], arrivals=arrive(rng, rest))


def _days(times: Integers, span: Span) -> Integers:
    return rhythm.local_days(times) - span.origin
