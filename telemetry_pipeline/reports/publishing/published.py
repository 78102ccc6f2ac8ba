"""Who a report goes to, and what came of making it, as values: whoever asks for one loads nothing that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_pipeline.warehouse.outgoing.made_reports import MadeReport

if TYPE_CHECKING:
    from telemetry_pipeline.reports.content.content import Content


@dataclass(frozen=True)
class Addressees:
    """Who gets a report beside those who find it where it is kept.

    :ivar subscribers: as one that is due: once for its days.
    :ivar one: a mail address; empty: nobody.
    """

    subscribers: bool = False
    one: str = ""


@dataclass(frozen=True)
class Published:
    """A report that is kept.

    :ivar queued: how many messages go out that did not before.
    :ivar content: what it says; None: it had been made before.
    """

    made: MadeReport
    queued: int = 0
    content: Content | None = None
