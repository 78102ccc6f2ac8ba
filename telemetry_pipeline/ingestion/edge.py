"""The live edge as ids: how far they go on from what is known, and where a hole is too wide to be plausible. Pure decisions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import sub

from telemetry_pipeline.sources.panaccess.records import Page
from telemetry_pipeline.sources.panaccess.slices import Delivery
from telemetry_pipeline.warehouse.raw.gaps import Gap

ABSURD_ID = 2**62
"""Nobody begins there: a million records a second would take 146,000 years to come that far."""


@dataclass
class LiveEdge:
    """Follows ids upwards.

    :ivar reached: the highest id with no hole below it that is too wide.
    :ivar widest: how wide a hole may be.
    :ivar typical: how many distances between ids that is, where nothing stored tells them: then ids begin anywhere, *widest*
        is that of what comes, and a hole is too wide only if fewer records are known behind it than before it. None: stored
        ones tell.
    :ivar gaps: ranges that the upstream fails to deliver, in order, which are no holes unless they are too wide.
    :ivar jump_id: the id behind the first hole that is too wide.
    """

    reached: int
    widest: int
    typical: int | None = None
    gaps: deque[Gap] = field(default_factory=deque)
    jump_id: int | None = None
    _seen: int = field(default=0, init=False)

    def take(self, delivery: Delivery) -> Delivery:
        """Return the delivery without what is behind a hole that is too wide."""
        page, missing = delivery.page, delivery.missing
        if page is not None:
            ids = sorted({*page.ids, *_rejected_ids(page)})
            # What lies further up comes again, with all that lies before it.
            settled = [record_id for record_id in ids if record_id <= delivery.through_id]
            if self.typical is not None and len(ids) > 1:
                distances = sorted(later - earlier for earlier, later in pairwise(ids))
                self.widest = max(self.widest, self.typical * distances[int(0.9 * (len(distances) - 1))])
            self._follow(settled, behind=len(ids) + delivery.remaining)
            highest = self.reached + self.widest if self.jump_id is None else self.jump_id - 1
            if ids and ids[-1] > highest:
                delivery = replace(delivery, page=_up_to(page, highest))
        elif missing is not None and missing.last_id - self.reached <= self.widest:
            self.reached = max(self.reached, missing.last_id)
        return delivery

    def _follow(self, ids: Sequence[int], behind: int) -> None:
        """Follow ids upwards from hole to hole, as far as no hole is too wide; where one is, note the id that they jump to.

        :param behind: how many records are known from the first of *ids* on.
        """
        if ids and not self.gaps and max(map(sub, ids, [self.reached, *ids])) <= self.widest:
            self.reached = max(self.reached, ids[-1])
            self._seen += len(ids)
            return
        for number, record_id in enumerate(ids):
            while self.gaps and self.gaps[0].first_record_id <= record_id:
                gap = self.gaps.popleft()
                if gap.last_record_id - self.reached <= self.widest:
                    self.reached = max(self.reached, gap.last_record_id)
            begins = self.typical is not None and behind - number > self._seen and record_id < ABSURD_ID
            if record_id - self.reached > self.widest and not begins:
                self.jump_id = record_id
                return
            self.reached = max(self.reached, record_id)
            self._seen += 1


def _rejected_ids(page: Page) -> Iterable[int]:
    return (reject.record_id for reject in page.rejects if reject.record_id is not None)


def _up_to(page: Page, highest: int) -> Page:
    kept = [(record_id, row) for record_id, row in zip(page.ids, page.rows, strict=True) if record_id <= highest]
    rejects = [reject for reject in page.rejects if reject.record_id is None or reject.record_id <= highest]
    return replace(page, ids=[record_id for record_id, _ in kept], rows=[row for _, row in kept], rejects=rejects)
