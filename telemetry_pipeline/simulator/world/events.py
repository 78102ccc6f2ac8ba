"""What happened: records as arrays, and their JSON. When and in which order they arrive is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.records.columns import Column, Integers, Mask, NumberColumn
from telemetry_pipeline.simulator.records.store import Segment, offsets_of
from telemetry_pipeline.simulator.world.population import Population
from telemetry_pipeline.simulator.world.viewing import Viewing

_ROW = '{"recordId":%d,%s,%s,"dataDuration":%s,"timestamp":"%s%s",%s%s"data":%s%s%s},'
_ENCODED_AT_ONCE = 50_000
_CREATED_MISSING_SHARE = 0.02
_DAY = 86_400
LARGEST_ID_STEP = 40

_TIMES_OF_DAY = np.array(
    [f" {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(_DAY)], dtype=object
)
_CREATED_TIMES = np.array([f'{text}",' for text in _TIMES_OF_DAY] + [""], dtype=object)


@dataclass(frozen=True)
class Events:
    """Records as arrays of equal length.

    :ivar stamps: the device's clock, seconds since 1970 (UTC).
    :ivar arrivals: the server's clock when it came.
    :ivar devices: devices of the population. :ivar who: its places in ``who``. :ivar what: places in ``what``.
    :ivar numbers: seconds: the duration of a stop, the time index of a title; -1 for null.
    :ivar durations: the same for stops, -1 for all others.
    """

    stamps: Integers
    arrivals: Integers
    devices: Integers
    who: Integers
    what: Integers
    numbers: Integers
    durations: Integers

    def __len__(self) -> int:
        return len(self.stamps)

    def take(self, places: Integers | slice | NDArray[np.bool_]) -> Self:
        """Return the records at these places, in their order."""
        return type(self)(**{field.name: getattr(self, field.name)[places] for field in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all parts, one after the other."""
        return cls(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)})


def views(
    rng: np.random.Generator, population: Population, seen: Viewing, rename_at: Integers, first: int
) -> tuple[Events, Events]:
    """Return starts and stops of views, pairwise. They arrive when they are stamped.

    :param rename_at: by channel, from when on its starts carry its later name.
    :param first: a start that would be stamped before it is stamped at the stop, as some devices do for all.
    """
    size = len(seen)
    devices, stopped, durations = seen.devices, seen.stopped, seen.durations
    who = population.households.draw_who(rng, devices)
    channels = population.draw_channels(rng, devices)
    confirmed = stopped - durations + np.minimum(durations, rng.integers(30, 300, size))
    started = np.where((rng.random(size) < 0.3) | (confirmed < first), stopped, confirmed)
    none = np.full(size, -1)
    starts = Events(
        started,
        started,
        devices,
        who,
        population.draw_starts(rng, channels, started >= rename_at[channels]),
        none,
        none,
    )
    durations = np.where(rng.random(size) < 0.01, -1, durations)
    stops = Events(stopped, stopped, devices, who, population.draw_stops(rng, channels), durations, durations)
    return starts, stops


def others(rng: np.random.Generator, population: Population, actions: Integers, stamps: Integers, devices: Integers) -> Events:
    """Return records of actions other than 7 and 8, which arrive when they are stamped."""
    size = len(actions)
    what = np.zeros(size, dtype=np.int64)
    for action in np.unique(actions).tolist():
        chosen = actions == action
        what[chosen] = population.draw_other(rng, action, int(chosen.sum()))
    numbers = rng.integers(0, 7_200, size)
    who = population.households.draw_who(rng, devices)
    return Events(stamps, stamps, devices, who, what, numbers, np.full(size, -1))


def draw_steps(rng: np.random.Generator, size: int) -> Integers:
    """Return how far each id is from the one before it; mostly 1, but there are holes."""
    steps = np.ones(size, dtype=np.int64)
    holes = rng.random(size) < 0.03
    steps[holes] += rng.integers(1, LARGEST_ID_STEP, int(holes.sum()))
    return steps


def draw_undated(rng: np.random.Generator, size: int) -> Mask:
    """Return which records come without ``created``."""
    return rng.random(size) < _CREATED_MISSING_SHARE


def encode(population: Population, ids: Integers, events: Events, undated: Mask) -> Segment:
    """Return the records as a segment; ``ids`` ascend."""
    buffer = bytearray()
    offsets: list[Integers] = [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(events), _ENCODED_AT_ONCE):
        part = slice(start, start + _ENCODED_AT_ONCE)
        rows = [_ROW % row for row in _rows(population, ids[part], events.take(part), undated[part])]
        offsets.append(offsets_of(rows)[1:] + len(buffer))
        buffer += "".join(rows).encode("ascii")
    known = np.ones(len(events), dtype=np.bool_)
    columns: dict[str, Column] = {"timestamp": NumberColumn(events.stamps, known, times=True)}
    return Segment(ids, buffer, np.concatenate(offsets), columns)


def _rows(population: Population, ids: Integers, events: Events, undated: Mask) -> Iterator[tuple[object, ...]]:
    """Return the values that ``_ROW`` takes, record by record."""
    what = population.what
    heads = np.array([one.head for one in what], dtype=object)
    before = np.array([one.data[0] for one in what], dtype=object)
    after = np.array([one.data[1] for one in what], dtype=object)
    numbered = np.array([one.numbered for one in what], dtype=np.bool_)
    numbers = _or_null(events.numbers)
    numbers[~numbered[events.what]] = ""
    created_days = _dates(events.arrivals, '"created":"')
    created_days[undated] = ""
    return zip(
        ids.tolist(),
        heads[events.what].tolist(),
        np.array(population.households.who, dtype=object)[events.who].tolist(),
        _or_null(events.durations).tolist(),
        _dates(events.stamps, "").tolist(),
        _TIMES_OF_DAY[events.stamps % _DAY].tolist(),
        created_days.tolist(),
        _CREATED_TIMES[np.where(undated, -1, events.arrivals % _DAY)].tolist(),
        before[events.what].tolist(),
        numbers.tolist(),
        after[events.what].tolist(),
        strict=True,
    )


def _or_null(values: Integers) -> NDArray[np.object_]:
    texts = values.astype(object)
    texts[values < 0] = "null"
    return texts


def _dates(seconds: Integers, prefix: str) -> NDArray[np.object_]:
    days, places = np.unique(seconds // _DAY, return_inverse=True)
    texts = np.datetime_as_string(days.astype("datetime64[D]"))
    return np.array([prefix + text for text in texts.tolist()], dtype=object)[places]
