"""Whatever somebody does is put on record, or is not done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.errors import WebserverUnavailable
from telemetry_pipeline.warehouse.access import audit
from telemetry_pipeline.warehouse.access.audit import Actor


@dataclass(frozen=True)
class Record:
    """Where it is put, and who does it.

    :ivar engine: of the warehouse; None: the front door that is asked puts it on record.
    """

    engine: sa.Engine | None
    actor: Actor

    @contextmanager
    def of(self, what: str, **detail: Any) -> Iterator[None]:
        """Put on record what is done inside, or may have been, for no answer came. While PostgreSQL is away, nothing is done.

        :param what: as of :func:`telemetry_pipeline.warehouse.access.audit.write`.
        :raises WarehouseError: it cannot be put on record.
        """
        if self.engine is None:
            yield
            return
        unknown: WebserverUnavailable | None = None
        with self.engine.begin() as connection:
            audit.write(connection, self.actor, what, **detail)
            try:
                yield
            except WebserverUnavailable as err:
                unknown = err
        if unknown is not None:
            raise unknown
