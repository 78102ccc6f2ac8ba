"""What is read of the feed: slices of ids, what came of each, and how a slice is cut and followed by what is left of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from telemetry_pipeline.errors import MalformedAnswer, PanAccessError
from telemetry_pipeline.sources.panaccess.calls.wire import Envelope
from telemetry_pipeline.sources.panaccess.records import Page

PAGE_SIZE = 1_000

LARGEST_ID = 2**63 - 1
"""What is above no bigint holds, and is rejected."""

_FILL = 0.9


@dataclass(frozen=True)
class Slice:
    """Records to read: ids above *after_id* up to *up_to_id*, and, where given, ``since <= timestamp < until`` (aware)."""

    after_id: int
    up_to_id: int
    since: datetime | None = None
    until: datetime | None = None

    @property
    def width(self) -> int:
        """How many ids it spans."""
        return self.up_to_id - self.after_id

    def cut(self, pieces: int) -> list[Slice]:
        """Return the same as *pieces* slices of nearly equal width, or as there are ids; the first of two may be the negative
        ids.
        """
        if pieces == 2 and self.after_id < -1 < self.up_to_id:
            return [replace(self, up_to_id=-1), replace(self, after_id=-1)]
        pieces = max(1, min(pieces, self.width))
        bounds = [self.after_id + self.width * piece // pieces for piece in range(pieces + 1)]
        return [replace(self, after_id=low, up_to_id=high) for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class Missing:
    """Ids, both ends included, that the upstream fails to deliver, and how it fails."""

    first_id: int
    last_id: int
    error: PanAccessError

    @property
    def raw(self) -> str | None:
        """The text of the failing answer, if there was any."""
        return self.error.raw if isinstance(self.error, MalformedAnswer) else None


@dataclass(frozen=True)
class Delivery:
    """A step forward.

    :ivar slice: the part of the slices that this step is about.
    :ivar through_id: everything of the slices up to this id was delivered, or is missing.
    :ivar remaining: how many records of this part are still to come, as far as the server says so.
    :ivar unfinished: whether a page that fails is still being narrowed down: who stops here has to begin that anew.
    """

    slice: Slice
    through_id: int
    page: Page | None = None
    remaining: int = 0
    missing: Missing | None = None
    unfinished: bool = False


@dataclass(frozen=True)
class Unread:
    """An answer that arrived. Threads that read ahead leave decoding to the one that reads, for threads that
    compute wait for each other and lose their caches: a tenth of the sync's processor time.

    :ivar page: what is in it, if that had to be looked at to tell success from failure.
    """

    body: bytes
    page: Page | None = None

    @property
    def error(self) -> Envelope | None:
        """The envelope of a failed call."""
        return self.page.error if self.page else None


def delivery_of(piece: Slice, page: Page, rest: list[Slice]) -> Delivery:
    """Return the step forward that a page is.

    :param rest: what is left of its slice.
    """
    remaining = max(0, page.count - page.distinct) if rest and page.count is not None else 0
    return Delivery(piece, rest[0].after_id if rest else piece.up_to_id, page, remaining)


def join_ahead(queue: deque[tuple[Slice, list[Future[Unread]]]], ends: Set[int]) -> None:
    """Make one slice of the next ones that nobody has asked for yet: ids are not as dense there as was thought.

    :param ends: beyond which no slice grows: what was asked for is told apart.
    """
    asked = []
    while queue and queue[0][1]:
        asked.append(queue.popleft())
    if queue:
        joined, _ = queue.popleft()
        while (
            queue
            and joined.up_to_id not in ends
            and not queue[0][1]
            and queue[0][0] == replace(joined, after_id=joined.up_to_id, up_to_id=queue[0][0].up_to_id)
        ):
            joined = replace(joined, up_to_id=queue.popleft()[0].up_to_id)
        queue.appendleft((joined, []))
    queue.extendleft(reversed(asked))


def rest_of(piece: Slice, page: Page) -> list[Slice]:
    """Return what of *piece* is still to be read after *page*, in order.

    A short page is not the last one: the server caps pages as it likes. Only the server's count, every id having been seen,
    or an empty page ends a slice.
    """
    if page.last_id is None or page.distinct >= piece.width:
        return []
    if page.count is not None and page.distinct >= page.count:
        return []
    if page.distinct < page.entries:
        # Repeated rows may have pushed others out of the page: its ids are read again, in two halves.
        return piece.cut(2)
    rest = replace(piece, after_id=page.last_id)
    if page.count is None:
        return [rest] if rest.width else []
    if not rest.width or page.ids != sorted(page.ids):
        # The server does not sort, so what is left over may lie below the last id, too.
        return piece.cut(2)
    if piece.since:
        return [rest]
    return rest.cut(-(-(page.count - page.distinct) // max(1, int(page.distinct * _FILL))))
