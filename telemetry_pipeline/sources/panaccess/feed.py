"""Telemetry pages in the order of record ids, whatever the upstream does meanwhile.

Paging is by record id, never by offset: new rows cannot shift what is still to be read. What the first page of a slice
leaves over is cut by id into slices that are read ahead, as many at once as the consumer makes worthwhile. A page that keeps
failing is narrowed down by halving its range of ids until only the failing ids are left; they are handed out as missing.
"""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
    PermissionDenied,
)
from telemetry_pipeline.sources.panaccess.calls.client import TRIES, PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.discretion import RECORD_CHARACTERS
from telemetry_pipeline.sources.panaccess.calls.transport import MAX_IN_FLIGHT
from telemetry_pipeline.sources.panaccess.records import Page, PageDecoder
from telemetry_pipeline.sources.panaccess.slices import (
    LARGEST_ID,
    PAGE_SIZE,
    Delivery,
    Missing,
    Slice,
    Unread,
    delivery_of,
    join_ahead,
    rest_of,
)

_SUCCEEDED = re.compile(rb'\s*\{\s*"success"\s*:\s*true\s*,\s*"answer"\s*:\s*\{')

_NARROWING_SECONDS = 600


class Feed:
    """Reads slices of the telemetry.

    :param source_zone: the time zone of the upstream's naive timestamps.
    :ivar beyond: the last answer about the newest record that could not be read, where those up to ``LARGEST_ID`` could.
    """

    beyond: MalformedAnswer | None = None

    def __init__(self, client: PanAccessClient, decode: PageDecoder, source_zone: ZoneInfo) -> None:
        self._client = client
        self._decode = decode
        self._source_zone = source_zone
        self._count_is_total = False

    def newest_id(self, *, up_to: int | None = None, tries: int = TRIES, until: float = math.inf) -> int:
        """Return the highest record id that is visible now, of those up to *up_to*; 0 when there is none.

        :param until: see :meth:`read`.

        :raises PanAccessError: the upstream is unreachable, or refuses.
        """
        if up_to is not None:
            return self._newest_id(min(up_to, LARGEST_ID), tries, until)
        try:
            return self._newest_id(None, tries, until)
        except MalformedAnswer as err:
            # Of one record whose id is too large, perhaps: all the others are there.
            newest = self._newest_id(LARGEST_ID, tries, until)
            self.beyond = err
            return newest

    def _newest_id(self, up_to: int | None, tries: int, until: float) -> int:
        parameters: dict[str, Any] = {"orderBy": "recordId", "orderDir": "DESC", "offset": 0, "limit": 1}
        if up_to is not None:
            parameters["newFilters"] = _all_of([_rule("recordId", "le", up_to)])
        # Everything hangs on this answer, and no part of it could be had by itself.
        passing = (PanAccessUnavailable, MalformedAnswer)
        function = self._client.records_function
        unread = self._client.call(function, parameters, self._read, tries=tries, until=until, passing=passing)
        return self._open(unread).last_id or 0

    def page(self, piece: Slice, *, until: float = math.inf) -> Page:
        """Return the beginning of a slice, asked for once.

        :param until: see :meth:`read`.
        :raises PanAccessError: the upstream is unreachable, or refuses.
        """
        return self._fetch(piece, tries=1, until=until)

    def read(self, slices: Iterable[Slice], *, tries: int = TRIES, until: float = math.inf) -> Generator[Delivery]:
        """Read the slices one after the other; deliveries come in the order of the slices, and of ids within one.

        :param until: when the reader is going to stop, by ``time.monotonic``: from then on nothing that fails is tried again,
            and no call is under way for longer than one may take.

        :raises PanAccessError: the upstream is unreachable, or refuses.
        """
        queue: deque[tuple[Slice, list[Future[Unread]]]] = deque((piece, []) for piece in slices if piece.width > 0)
        ends = {piece.up_to_id for piece, _ in queue}
        ahead = 1
        pool = ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="panaccess")

        def read_ahead(pages: int) -> None:
            for piece, pending in islice(queue, pages):
                if not pending:
                    pending.append(pool.submit(self._request, piece, tries, until))

        try:
            while queue:
                read_ahead(max(1, ahead))
                piece, [pending] = queue.popleft()
                ahead = max(1, ahead - 1) if pending.done() else min(MAX_IN_FLIGHT, ahead + 1)
                try:
                    page = self._checked(piece, pending.result())
                except PanAccessError as err:
                    yield from self._narrow_down(piece, err, until)
                    continue
                rest = rest_of(piece, page)
                if not page.entries:
                    join_ahead(queue, ends)
                queue.extendleft((left_over, []) for left_over in reversed(rest))
                read_ahead(ahead)
                yield delivery_of(piece, page, rest)
        finally:
            # Without waiting: a reader that was left in the middle may be finalized anywhere, by a thread, too, that holds
            # the lock which threads need to end.
            pool.shutdown(wait=False, cancel_futures=True)

    def _narrow_down(self, failing: Slice, error: PanAccessError, until: float) -> Iterator[Delivery]:
        """Deliver what can be had of a slice whose page keeps failing, and the failing ids as missing.

        When the upstream fails as a whole, its error is raised: a gap is for single records. When time is up, what fails is
        missing as it is, however many ids that are.
        """
        if isinstance(error, LoginRejected | PermissionDenied):
            raise error
        self._prove_alive(until)
        # A call that is made by then is over in time for another one, which proves that the upstream answers.
        give_up_at = min(time.monotonic() + _NARROWING_SECONDS, until + self._client.call_seconds / 2)
        todo = deque([failing])
        problem: PanAccessError | None = error
        while todo:
            piece = todo.popleft()
            if piece is not failing:
                try:
                    page = self._fetch(piece, 1, give_up_at - self._client.call_seconds)
                    problem = None
                except (LoginRejected, PermissionDenied):
                    raise
                except PanAccessError as err:
                    problem = err
            if problem is None:
                rest = rest_of(piece, page)
                todo.extendleft(reversed(rest))
                step = delivery_of(piece, page, rest)
            elif piece.width > 1 and time.monotonic() < give_up_at:
                todo.extendleft(reversed(piece.cut(2)))
                step = Delivery(piece, piece.after_id)
            else:
                self._prove_alive(until)
                step = Delivery(piece, piece.up_to_id, missing=Missing(piece.after_id + 1, piece.up_to_id, problem))
            came_further = step.through_id > failing.after_id
            yield replace(step, unfinished=bool(todo) and not (came_further and time.monotonic() >= give_up_at))

    def _prove_alive(self, until: float) -> None:
        """Read another record in the same way as any page, to see that the upstream answers."""
        newest = self.newest_id(tries=1, until=until)
        self._fetch(Slice(newest - 1, newest), 1, until)

    def _fetch(self, piece: Slice, tries: int, until: float) -> Page:
        return self._checked(piece, self._request(piece, tries, until))

    def _request(self, piece: Slice, tries: int, until: float) -> Unread:
        rules = [_rule("recordId", "gt", piece.after_id), _rule("recordId", "le", piece.up_to_id)]
        if piece.since:
            rules.append(_rule("timestamp", "ge", self._naive(piece.since, outwards=-1)))
        if piece.until:
            rules.append(_rule("timestamp", "lt", self._naive(piece.until, outwards=1)))
        return self._call(
            {
                "offset": 0,
                "limit": PAGE_SIZE,
                "orderBy": "recordId",
                "orderDir": "ASC",
                "newFilters": _all_of(rules),
            },
            tries,
            until,
        )

    def _checked(self, piece: Slice, unread: Unread) -> Page:
        page = self._open(unread)
        ids = [*page.ids, *(reject.record_id for reject in page.rejects if reject.record_id is not None)]
        if ids and not piece.after_id < min(ids) <= max(ids) <= piece.up_to_id:
            raise PanAccessError(
                f"PanAccess ignored the filter on recordId: asked for ids above {piece.after_id} up to {piece.up_to_id}, "
                f"got {min(ids)} to {max(ids)}",
                "try the other PANACCESS_ENCODING",
            )
        return page

    def _call(self, parameters: dict[str, Any], tries: int, until: float) -> Unread:
        return self._client.call(self._client.records_function, parameters, self._glance, tries=tries, until=until)

    def _read(self, body: bytes) -> Unread:
        return Unread(body, self._decode(body))

    def _glance(self, body: bytes) -> Unread:
        return Unread(body) if _SUCCEEDED.match(body) else self._read(body)

    def _open(self, unread: Unread) -> Page:
        discretion = self._client.discretion
        with discretion.kept():
            page = unread.page or self._decode(unread.body)
        page.rejects = [
            replace(each, payload=discretion.quote(each.payload, RECORD_CHARACTERS), reason=discretion.quote(each.reason))
            for each in page.rejects
        ]
        # A count may also be that of the page alone. It is believed once it told more than its page held.
        if page.count is not None and page.count > page.entries:
            self._count_is_total = True
        elif not self._count_is_total:
            page.count = None
        return page

    def _naive(self, moment: datetime, *, outwards: int) -> str:
        """Return the bound as the upstream writes times.

        Where its clock changes, the order of what it writes is not that of time: there the bound moves outwards by as much.
        """
        before, after = (
            (moment + timedelta(days=days)).astimezone(self._source_zone).utcoffset() or timedelta() for days in (-1, 1)
        )
        naive = moment.astimezone(self._source_zone).replace(tzinfo=None) + outwards * abs(after - before)
        return naive.strftime("%Y-%m-%d %H:%M:%S")


def _rule(field: str, op: str, value: int | str) -> dict[str, str]:
    return {"field": field, "op": op, "data": str(value)}


def _all_of(rules: list[dict[str, str]]) -> dict[str, Any]:
    return {"groupOp": "AND", "filters": [{"groupOp": "AND", "rules": rules}]}
