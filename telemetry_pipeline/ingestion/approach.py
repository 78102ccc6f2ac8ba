"""What a sync finds out before it reads: whether the upstream is that of what is stored, and how far its ids go on."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median_low

import sqlalchemy as sa

from telemetry_pipeline.errors import AnotherUpstream, LoginRejected, PanAccessError, PermissionDenied
from telemetry_pipeline.ingestion import identity
from telemetry_pipeline.ingestion.edge import ABSURD_ID, LiveEdge
from telemetry_pipeline.ingestion.identity import Comparison, Oldest
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import Page
from telemetry_pipeline.sources.panaccess.slices import Delivery, Slice
from telemetry_pipeline.warehouse.operations.problems import ANOTHER, report, settle
from telemetry_pipeline.warehouse.raw import batch, cursor, gaps, records
from telemetry_pipeline.warehouse.raw.batch import Mark
from telemetry_pipeline.warehouse.raw.cursor import Cursor


@dataclass(frozen=True)
class Approach:
    """Where a sync reads.

    :ivar at: the cursor as it was found.
    :ivar newest_id: the highest one that is visible.
    :ivar edge: follows the ids from the cursor on.
    :ivar up_to_id: up to which the live edge is read.
    :ivar samples: stored records as the upstream has them now.
    """

    at: Cursor
    newest_id: int
    edge: LiveEdge
    up_to_id: int
    samples: list[Comparison]

    @property
    def is_held(self) -> bool:
        """Whether there is a jump that nobody said to leave out."""
        return self.edge.jump_id is not None and not self.at.ignores(self.edge.jump_id)

    @property
    def plausible_id(self) -> int:
        """Up to which id a repair may read, which follows no ids."""
        if self.at.distance is None:
            return min(self.up_to_id, ABSURD_ID - 1)
        return min(self.up_to_id, self.at.record_id + self.edge.widest)

    @property
    def sees_all(self) -> bool:
        """Whether the live edge reads all there is, but for what a person said to leave out."""
        return not self.is_held and (self.edge.jump_id is not None or self.up_to_id >= self.newest_id)


class Lookout:
    """Looks at the upstream.

    :param until: when the sync is going to stop, by ``time.monotonic``.
    :param max_id_jump: how wide a hole in the ids is plausible, in distances between ids as they are.
    """

    def __init__(self, engine: sa.Engine, feed: Feed, *, until: float, max_id_jump: int) -> None:
        self._engine = engine
        self._feed = feed
        self._until = until
        self._max_id_jump = max_id_jump

    def approach(self) -> Approach:
        """Look, and put on record what people have to know of it.

        :raises AnotherUpstream: it is not the upstream of the stored records.
        :raises PanAccessError: it is unreachable or refuses.
        """
        at = cursor.read(self._engine)
        newest = self._feed.newest_id(until=self._until)
        if beyond := self._feed.beyond:
            records.keep_answer(self._engine, beyond.raw, str(beyond))
        before = newest if at.jump_id is None else self._feed.newest_id(up_to=at.jump_id - 1, until=self._until)
        samples = self._know_again(at, newest, before)
        edge, up_to_id = self._edge(at, newest, before)
        return Approach(at, newest, edge, up_to_id, samples)

    def tell_of_jump(self, approach: Approach) -> None:
        """Put on record what holds the cursor, if anything does."""
        edge = approach.edge
        cursor.hold(self._engine, edge.jump_id)
        found = {}
        if edge.jump_id is not None and approach.is_held:
            behind = self._page(Slice(edge.jump_id - 1, approach.newest_id))
            found[identity.JUMP] = identity.jump(edge.reached, edge.jump_id, edge.widest, behind, approach.samples)
        settle(self._engine, [identity.JUMP], found)

    def _page(self, piece: Slice) -> Page | None:
        """Return the beginning of a slice; None when it fails: what fails is for those to tell who read it all."""
        try:
            return self._feed.page(piece, until=self._until)
        except (LoginRejected, PermissionDenied):
            raise
        except PanAccessError:
            return None

    def _know_again(self, at: Cursor, newest_id: int, newest_before: int) -> list[Comparison]:
        """Compare what is stored with what the upstream has in its place.

        :param newest_before: the newest id before the jump that held the cursor so far, if one did.
        :raises AnotherUpstream: it has other records in its place.
        """
        samples = []
        for known in cursor.samples(self._engine, newest_before, random.random()):
            if known and (page := self._page(Slice(min(known) - 1, max(known)))):
                samples.append(_compared(known, page))
        oldest = None
        if identity.is_in_doubt(samples) and (page := self._page(Slice(at.read_after, newest_id))) and page.rows:
            stored = cursor.stored_among(self._engine, page.ids)
            oldest = Oldest(_compared(stored, page), median_low(batch.mark(row)[0] for row in page.rows))
        another = identity.another(samples, oldest, newest_id)
        if another:
            # It is the one cause of all that they see in its ids.
            settle(self._engine, [ANOTHER, identity.BELOW, identity.JUMP], {ANOTHER: another})
            raise AnotherUpstream(f"{another.summary}. {another.detail}", another.advice)
        below = identity.below(at, samples, newest_before or newest_id)
        settle(self._engine, [ANOTHER, identity.BELOW], {identity.BELOW: below} if below else {})
        if not below and (anew := identity.anew(samples)):
            # Soon newer records are looked at, which are alike: a person ends it.
            report(self._engine, anew)
        return samples

    def _edge(self, at: Cursor, newest_id: int, newest_before: int) -> tuple[LiveEdge, int]:
        """Return from where the ids go on, and up to which one they are read."""
        edge = LiveEdge(
            at.record_id,
            self._max_id_jump * (at.distance or 1),
            typical=self._max_id_jump if at.distance is None else None,
            gaps=deque(gaps.open_gaps(self._engine, at.record_id)),
        )
        if at.distance is None or newest_id - at.record_id <= edge.widest:
            return edge, newest_id
        known = at.jump_id if at.jump_id is not None and newest_id >= at.jump_id else None
        if known is not None and known - max(newest_before, at.record_id) > edge.widest:
            edge.jump_id = known
            return edge, newest_before
        if (beginning := self._page(Slice(at.record_id, newest_id))) is None:
            return edge, self._feed.newest_id(up_to=at.record_id + edge.widest, until=self._until)
        look = replace(edge, gaps=edge.gaps.copy())
        look.take(Delivery(Slice(at.record_id, newest_id), beginning.last_id or newest_id, beginning))
        edge.jump_id = look.jump_id
        return edge, newest_id if look.jump_id is None else look.jump_id - 1


def _compared(known: Mapping[int, Mark], page: Page) -> Comparison:
    return Comparison(known, {row[0]: batch.mark(row) for row in page.rows if row[0] in known})
