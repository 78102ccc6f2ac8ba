"""A listing's parameters: which records, in which order, which page of them. No HTTP, no faults.

``filters`` is ``{groupOp, rules}``, ``newFilters`` is ``{groupOp, filters: [{groupOp, rules}]}``; where both are given,
both must hold. A rule is ``{field, op, data}``. Rules on ``recordId`` that all must hold become an id range, found by
bisection; the rest is evaluated over whole columns, once for all pages that share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from telemetry_pipeline.simulator.api.form import BadForm, nested
from telemetry_pipeline.simulator.records.columns import OPERATORS, Integers, Mask
from telemetry_pipeline.simulator.records.fields import LARGEST_ID, SMALLEST_ID
from telemetry_pipeline.simulator.records.store import Segment


class BadQuery(ValueError):
    """A listing that cannot be answered; the message says why."""


@dataclass(frozen=True)
class Rule:
    """``field op data``."""

    field: str
    op: str
    data: str

    def mask(self, segment: Segment) -> Mask:
        """Return rows of the segment for which the rule holds."""
        try:
            return segment.column(self.field).matching(self.op, self.data)
        except ValueError as error:
            raise BadQuery(f"field {self.field} cannot be compared with {self.data!r}") from error


@dataclass(frozen=True)
class Group:
    """Rules or groups of which all must hold, or at least one; without any, it holds for every row."""

    parts: tuple[Rule | Group, ...]
    any_of: bool = False

    def mask(self, segment: Segment) -> Mask:
        """Return rows of the segment for which the group holds."""
        if not self.parts:
            return np.ones(len(segment), dtype=np.bool_)
        masks = [part.mask(segment) for part in self.parts]
        return np.asarray((np.logical_or if self.any_of else np.logical_and).reduce(masks))

    def conjuncts(self) -> tuple[Rule | Group, ...]:
        """Return parts that all must hold."""
        if self.any_of and len(self.parts) > 1:
            return (self,)
        return tuple(found for part in self.parts for found in (part.conjuncts() if isinstance(part, Group) else (part,)))


@dataclass(frozen=True)
class Query:
    """One listing.

    :ivar lowest: the lowest id that can match, :ivar highest: the highest; :ivar rest: what else must hold.
    """

    lowest: int
    highest: int
    rest: Group
    order_by: str
    descending: bool
    offset: int
    limit: int


@dataclass(frozen=True)
class Page:
    """Rows in the order of the answer, as runs ``(segment, start, stop)`` of neighbours.

    :ivar count: how many records match on all pages.
    """

    runs: Sequence[tuple[Segment, int, int]]
    count: int

    def __len__(self) -> int:
        return sum(stop - start for _, start, stop in self.runs)

    def json(self) -> Sequence[bytes | memoryview]:
        """Return the rows' JSON objects, in pieces that are to be joined with commas."""
        return [segment.json(start, stop) for segment, start, stop in self.runs]

    def ids(self) -> list[int]:
        """Return the rows' ids."""
        return [identity for segment, start, stop in self.runs for identity in segment.ids[start:stop].tolist()]

    def rows(self) -> list[bytes]:
        """Return each row's JSON object."""
        return [bytes(segment.json(at, at + 1)) for segment, start, stop in self.runs for at in range(start, stop)]


def parse(parameters: Mapping[str, Any], page_cap: int) -> Query:
    """Return the query that a call's parameters mean; ``BadQuery`` says which of them cannot be."""
    try:
        filters = nested(parameters.get("filters") or {}, "filters")
        new_filters = nested(parameters.get("newFilters") or {}, "newFilters")
    except BadForm as error:
        raise BadQuery(str(error)) from error
    conditions = Group((_group(filters, "filters", _rule), _group(new_filters, "newFilters", _rules)))
    lowest, highest = SMALLEST_ID, LARGEST_ID
    rest = []
    for part in conditions.conjuncts():
        bounds = _id_bounds(part)
        if bounds is None:
            rest.append(part)
        else:
            lowest, highest = max(lowest, bounds[0]), min(highest, bounds[1])
    direction = str(parameters.get("orderDir") or "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise BadQuery(f"orderDir {direction!r} is neither ASC nor DESC")
    return Query(
        lowest=lowest,
        highest=highest,
        rest=Group(tuple(rest)),
        order_by=str(parameters.get("orderBy") or "recordId"),
        descending=direction == "DESC",
        offset=_size(parameters, "offset", 0),
        limit=min(_size(parameters, "limit", page_cap), page_cap),
    )


def select(segments: Sequence[Segment], query: Query) -> Page:
    """Answer the query."""
    hits = [hits for segment in segments if (hits := _Hits.of(segment, query)).count]
    count = sum(one.count for one in hits)
    wanted = (query.offset, min(query.offset + query.limit, count))
    if wanted[0] >= wanted[1]:
        return Page([], count)
    if query.order_by != "recordId":
        return Page(_sorted_runs(hits, query, wanted), count)
    return Page(_runs_by_id(hits, query.descending, wanted), count)


@dataclass(frozen=True)
class _Hits:
    """Rows of one segment that match: the places ``start`` to ``stop`` of ``positions``, or of the segment itself."""

    segment: Segment
    start: int
    stop: int
    positions: Integers | None

    @classmethod
    def of(cls, segment: Segment, query: Query) -> _Hits:
        if not query.rest.parts:
            return cls(segment, *segment.between(query.lowest, query.highest), None)
        positions = segment.selection(query.rest, lambda segment: np.flatnonzero(query.rest.mask(segment)))
        start, stop = np.searchsorted(positions, segment.between(query.lowest, query.highest)).tolist()
        return cls(segment, start, stop, positions)

    @property
    def count(self) -> int:
        return self.stop - self.start

    def outermost(self, number: int, *, last: bool) -> Integers:
        """Return positions of the first, or last, ``number`` rows."""
        start = max(self.start, self.stop - number) if last else self.start
        stop = self.stop if last else min(self.stop, self.start + number)
        return np.arange(start, stop) if self.positions is None else self.positions[start:stop]


def _runs_by_id(hits: Sequence[_Hits], descending: bool, wanted: tuple[int, int]) -> list[tuple[Segment, int, int]]:
    if len(hits) == 1 and hits[0].positions is None and not descending:
        start = hits[0].start
        return [(hits[0].segment, start + wanted[0], start + wanted[1])]
    positions = [one.outermost(wanted[1], last=descending) for one in hits]
    ids = np.concatenate([one.segment.ids[places] for one, places in zip(hits, positions, strict=True)])
    order = np.argsort(-ids if descending else ids)[slice(*wanted)]
    return _runs(hits, positions, order)


def _sorted_runs(hits: Sequence[_Hits], query: Query, wanted: tuple[int, int]) -> list[tuple[Segment, int, int]]:
    positions = [one.outermost(one.count, last=False) for one in hits]
    keys = np.concatenate(
        [one.segment.column(query.order_by).sort_keys(places) for one, places in zip(hits, positions, strict=True)]
    )
    ranks = np.unique(keys, return_inverse=True)[1]
    ids = np.concatenate([one.segment.ids[places] for one, places in zip(hits, positions, strict=True)])
    order = np.lexsort((ids, -ranks if query.descending else ranks))[slice(*wanted)]
    return _runs(hits, positions, order)


def _runs(hits: Sequence[_Hits], positions: Sequence[Integers], order: Integers) -> list[tuple[Segment, int, int]]:
    sources = np.repeat(np.arange(len(hits)), [len(places) for places in positions])[order]
    places = np.concatenate(positions)[order]
    breaks = np.flatnonzero((np.diff(sources) != 0) | (np.diff(places) != 1)) + 1
    edges = [0, *breaks.tolist(), len(order)]
    return [(hits[sources[first]].segment, int(places[first]), int(places[end - 1]) + 1) for first, end in pairwise(edges)]


def _group(value: Any, name: str, part: Any) -> Group:
    if value == [] or value == {}:
        return Group(())
    members = "rules" if part is _rule else "filters"
    if not isinstance(value, Mapping) or not isinstance(value.get(members, []), list):
        raise BadQuery(f"{name} is not an object with groupOp and a list of {members}")
    group_op = str(value.get("groupOp", "AND")).upper()
    if group_op not in ("AND", "OR"):
        raise BadQuery(f"{name}: groupOp {group_op!r} is neither AND nor OR")
    return Group(tuple(part(member, name) for member in value.get(members, [])), any_of=group_op == "OR")


def _rules(value: Any, name: str) -> Group:
    return _group(value, name, _rule)


def _rule(value: Any, name: str) -> Rule:
    if not isinstance(value, Mapping) or not {"field", "op", "data"} <= value.keys():
        raise BadQuery(f"{name}: a rule is an object with field, op and data")
    rule = Rule(str(value["field"]), str(value["op"]), str(value["data"]))
    if rule.op not in OPERATORS:
        raise BadQuery(f"{name}: op {rule.op!r} is none of {' '.join(OPERATORS)}")
    return rule


def _id_bounds(part: Rule | Group) -> tuple[int, int] | None:
    """Return the id range that a rule means, if it means one."""
    if not isinstance(part, Rule) or part.field != "recordId" or not part.data.removeprefix("-").isdecimal():
        return None
    data = int(part.data)
    ranges = {
        "eq": (data, data),
        "gt": (data + 1, LARGEST_ID),
        "ge": (data, LARGEST_ID),
        "lt": (SMALLEST_ID, data - 1),
        "le": (SMALLEST_ID, data),
    }
    return ranges.get(part.op)


def _size(parameters: Mapping[str, Any], name: str, default: int) -> int:
    text = str(parameters.get(name, default))
    if not text.isdecimal():
        raise BadQuery(f"{name} {text!r} is not a whole number")
    return int(text)
