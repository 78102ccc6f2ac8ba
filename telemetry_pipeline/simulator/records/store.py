"""The records that are visible now: their JSON, written once, in the order of their ids. No filters, no paging.

A record's JSON is never encoded twice: a segment is one contiguous buffer with the offsets of its records, so a page of
neighbouring ids is one slice. The first segment (the history) is never copied again; what is added at run time
goes into small segments that are merged with each other once they are alike in size, so that their number stays
logarithmic. Ids of different segments may interleave.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import orjson

from telemetry_pipeline.simulator.records.columns import Column, Integers, Mask, NumberColumn, column_of
from telemetry_pipeline.simulator.records.fields import LARGEST_ID, SMALLEST_ID

_DECODED_AT_ONCE = 20_000
_REMEMBERED_SELECTIONS = 4


class BadRecord(ValueError):
    """A record that the simulator cannot hold; the message says why."""


class Segment:
    """Immutable records, ascending by id, whose JSON lies in one buffer with a comma after each.

    :ivar ids: ascending, without duplicates.
    """

    def __init__(
        self, ids: Integers, buffer: bytes | bytearray, offsets: Integers, columns: Mapping[str, Column] | None = None
    ) -> None:
        """``offsets`` has one place more than ``ids``: a record's JSON is ``buffer[offsets[i]:offsets[i + 1] - 1]``."""
        self.ids = ids
        self._buffer = memoryview(buffer)
        self._offsets = offsets
        self._columns: dict[str, Column] = dict(columns or {})
        self._columns["recordId"] = NumberColumn(ids, np.ones(len(ids), dtype=np.bool_))
        self._selections: OrderedDict[Hashable, Integers] = OrderedDict()

    @classmethod
    def of_records(cls, records: Iterable[Mapping[str, Any]]) -> Segment:
        """Encode records in API field names, in any order; ``BadRecord`` if one has no usable id, or another's."""
        ordered = sorted(records, key=_record_id)
        ids = np.array([record["recordId"] for record in ordered], dtype=np.int64)
        repeated = np.flatnonzero(ids[1:] == ids[:-1])
        if len(repeated):
            raise BadRecord(f"recordId {ids[repeated[0]]} occurs more than once")
        rows = [json.dumps(record, separators=(",", ":")) + "," for record in ordered]
        return cls(ids, "".join(rows).encode("ascii"), offsets_of(rows))

    @classmethod
    def merged(cls, one: Segment, other: Segment) -> Segment:
        """Return both in one; their ids must differ."""
        ids = np.concatenate([one.ids, other.ids])
        order = np.argsort(ids, kind="stable")
        sources = np.concatenate([np.zeros(len(one), dtype=np.int64), np.ones(len(other), dtype=np.int64)])[order]
        lengths = np.concatenate([np.diff(one._offsets), np.diff(other._offsets)])[order]
        buffer = bytearray()
        taken = [0, 0]
        edges = [0, *(np.flatnonzero(np.diff(sources)) + 1).tolist(), len(ids)]
        for first, end in pairwise(edges):
            source = int(sources[first])
            segment = (one, other)[source]
            start, stop = taken[source], taken[source] + end - first
            buffer += segment._buffer[segment._offsets[start] : segment._offsets[stop]]
            taken[source] = stop
        return cls(ids[order], buffer, np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.ids)

    def json(self, start: int, stop: int) -> memoryview:
        """Return records ``start`` up to ``stop`` as JSON objects with commas between."""
        return self._buffer[self._offsets[start] : self._offsets[stop] - 1]

    def records(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return the same records, decoded."""
        records: list[dict[str, Any]] = orjson.loads(b"".join([b"[", self.json(start, stop), b"]"])) if stop > start else []
        return records

    def between(self, lowest: int, highest: int) -> tuple[int, int]:
        """Return the positions ``start, stop`` of the records whose id is within, both ends included."""
        start = len(self) if lowest > LARGEST_ID else int(np.searchsorted(self.ids, max(lowest, SMALLEST_ID), side="left"))
        stop = 0 if highest < SMALLEST_ID else int(np.searchsorted(self.ids, min(highest, LARGEST_ID), side="right"))
        return start, max(start, stop)

    def has(self, ids: Integers) -> Mask:
        """Return which of ``ids`` are here."""
        places = np.minimum(np.searchsorted(self.ids, ids), len(self) - 1)
        return np.asarray(self.ids[places] == ids)

    def column(self, field: str) -> Column:
        """Return the field of all records; decoded when it is first asked for."""
        if field not in self._columns:
            self._columns[field] = column_of(field, self._decoded(field))
        return self._columns[field]

    def selection(self, key: Hashable, select: Callable[[Segment], Integers]) -> Integers:
        """Return what ``select`` gives for this segment, remembered for the last few keys: paging repeats its filters."""
        if key in self._selections:
            self._selections.move_to_end(key)
        else:
            self._selections[key] = select(self)
            if len(self._selections) > _REMEMBERED_SELECTIONS:
                self._selections.popitem(last=False)
        return self._selections[key]

    def _decoded(self, field: str) -> list[Any]:
        values: list[Any] = []
        for start in range(0, len(self), _DECODED_AT_ONCE):
            records = self.records(start, min(start + _DECODED_AT_ONCE, len(self)))
            values.extend(record.get(field) for record in records)
        return values


class Store:
    """All visible records."""

    def __init__(self, history: Segment) -> None:
        self._history = history
        self._added: list[Segment] = []

    @property
    def segments(self) -> Sequence[Segment]:
        """Segments that have records, oldest first; their ids may interleave."""
        return [segment for segment in (self._history, *self._added) if len(segment)]

    @property
    def highest_id(self) -> int:
        """The highest visible id, 0 without records."""
        return max((int(segment.ids[-1]) for segment in self.segments), default=0)

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    def add(self, segment: Segment) -> None:
        """Make records visible; ``BadRecord`` if an id is there already, and then none of them is added."""
        for present in self.segments:
            known = present.has(segment.ids)
            if known.any():
                raise BadRecord(f"recordId {segment.ids[known][0]} is there already")
        if len(segment):
            self._added.append(segment)
        while len(self._added) > 1 and len(self._added[-2]) <= 2 * len(self._added[-1]):
            last = self._added.pop()
            self._added[-1] = Segment.merged(self._added[-1], last)


def offsets_of(rows: Sequence[str]) -> Integers:
    """Return where each row starts once they are joined, and where the last one ends; ``rows`` are ASCII."""
    return np.concatenate([[0], np.cumsum(np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))])


def _record_id(record: Mapping[str, Any]) -> int:
    identity = record.get("recordId")
    if not isinstance(identity, int) or isinstance(identity, bool) or not SMALLEST_ID <= identity <= LARGEST_ID:
        raise BadRecord(f"recordId {identity!r} is not a whole number of 64 bits")
    return identity
