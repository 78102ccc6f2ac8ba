"""Whether the upstream is still that of the stored records, and what people are told of its ids. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low

from telemetry_pipeline.sources.panaccess.records import Page
from telemetry_pipeline.warehouse.operations.problems import ANEW, ANOTHER, UPSTREAM, Problem
from telemetry_pipeline.warehouse.raw.batch import Mark
from telemetry_pipeline.warehouse.raw.cursor import Cursor

BELOW, JUMP = f"{UPSTREAM}below", f"{UPSTREAM}jump"

_ENOUGH = 3


@dataclass(frozen=True)
class Comparison:
    """Some stored records, and what the upstream has under their ids.

    :ivar known: as they are stored. :ivar given: as the upstream gives them; what it has no more is not there.
    """

    known: Mapping[int, Mark]
    given: Mapping[int, Mark]

    @property
    def others(self) -> int:
        """How many have another time or action there."""
        return sum(given != self.known[record_id] for record_id, given in self.given.items())

    @property
    def differs(self) -> bool:
        """Whether most of them do; a few may have been mended."""
        return self.others >= _ENOUGH and 2 * self.others > len(self.given)


@dataclass(frozen=True)
class Oldest:
    """The oldest records that the upstream has.

    :ivar compared: those of them that are stored. :ivar timestamp: of the middle one (aware).
    """

    compared: Comparison
    timestamp: datetime


def is_in_doubt(samples: Sequence[Comparison]) -> bool:
    """Return whether its oldest records have to be looked at, too, to tell whether it is still the same."""
    return bool(samples) and (not any(sample.given for sample in samples) or any(sample.differs for sample in samples))


def another(samples: Sequence[Comparison], oldest: Oldest | None, newest_id: int) -> Problem | None:
    """Return the problem that the upstream is not the one of the stored records; None if nothing says so.

    What it gives no more says little: it may keep records for some time only. But then newer ones are there, with higher ids,
    and none that are older. Other records under its newest ids alone say that it was restored from a backup, and gave these
    ids anew.

    :param oldest: looked at if they are in doubt. :param newest_id: the upstream's.
    """
    known = set[int]().union(*(sample.known for sample in samples))
    given = set[int]().union(*(sample.given for sample in samples))
    if len(known) < _ENOUGH:
        return None
    differing = [sample for sample in samples if sample.differs]
    if not given and newest_id < max(known):
        detail = (
            f"It has none of {len(known)} stored records, and {f'its newest id is {newest_id}' if newest_id else 'no other'}."
        )
    elif not given and oldest and oldest.timestamp < max(_middle(sample) for sample in samples):
        detail = f"It has none of {len(known)} stored records, and others that are older than they."
    elif differing and (oldest is None or len(oldest.compared.given) < _ENOUGH or oldest.compared.differs):
        others, looked_at = sum(each.others for each in differing), sum(len(each.given) for each in differing)
        detail = f"{others} of {looked_at} stored records have another time or action there."
    else:
        return None
    return Problem.of(
        ANOTHER,
        detail,
        advice="see that PANACCESS_URL and PANACCESS_USERNAME are right. If they are, say what it is: 'telemetry-pipeline "
        "adopt --same' if it is the same and has changed its records, 'telemetry-pipeline adopt --begins-at ID' if it is "
        "another one whose records go on from that id; if its ids overlap with the stored ones, begin with an empty database",
    )


def below(cursor: Cursor, samples: Sequence[Comparison], newest_id: int) -> Problem | None:
    """Return the problem that the upstream has nothing at the cursor any more."""
    if cursor.is_new or newest_id >= cursor.record_id:
        return None
    others = max((sample.others for sample in samples), default=0)
    read = "What becomes new among the last ids of PanAccess is stored." if newest_id > cursor.read_after else "None is read."
    anew = f" At least {others} have ids under which others are stored: they are put aside as rejected." if others else ""
    return Problem.of(
        BELOW,
        f"Its newest id is {newest_id}, the cursor is at {cursor.record_id}, {cursor.record_id - newest_id:,} ids above. "
        f"{read}{anew}",
        advice="if PanAccess was restored from a backup or begins its ids anew, set the cursor to where it goes on, "
        f"'telemetry-pipeline cursor --set {newest_id}' if nobody has yet; if only its newest records were deleted, this ends "
        "by itself",
    )


def anew(samples: Sequence[Comparison]) -> Problem | None:
    """Return the problem that the upstream gave ids anew, of one that is not another."""
    differing = [sample for sample in samples if sample.differs]
    if not differing:
        return None
    others, looked_at = sum(each.others for each in differing), sum(len(each.given) for each in differing)
    return Problem.of(
        ANEW,
        f"{others} of {looked_at} stored records have another time or action there, older ones are alike: it seems that it was "
        "restored from a backup, and gave their ids anew. An id is stored once: others under it are put aside as rejected.",
        advice="repair the days since the backup, which puts aside what ticks do not come to; then say with "
        "'telemetry-pipeline adopt --same' that this is known",
    )


def jump(reached: int, jump_id: int, widest: int, behind: Page | None, samples: Sequence[Comparison]) -> Problem:
    """Return the problem that a hole holds the cursor.

    :param behind: the beginning of what is behind it.
    """
    renumbered = ""
    if samples and not any(sample.given for sample in samples):
        renumbered = "It has none of the stored records that were looked for: it may have renumbered them. "
    return Problem.of(
        JUMP,
        f"Behind id {reached} comes {jump_id}, {jump_id - reached:,} ids further; up to {widest:,} are plausible "
        f"(MAX_ID_JUMP). {_known_of(behind)}{renumbered}What comes below it is stored as ever.",
        advice="look at that record in PanAccess. If ids go on there, 'telemetry-pipeline cursor --accept' has the sync go on "
        "there, too; if it is a stray record, 'telemetry-pipeline cursor --ignore' leaves it out",
    )


def _known_of(behind: Page | None) -> str:
    if behind is None or not behind.distinct:
        return ""
    if behind.distinct == 1 and (behind.count or 1) == 1:
        return "It is the only record there. "
    count = f"At least {behind.distinct:,}" if behind.count is None else f"{behind.count:,}"
    return f"{count} records are there. "


def _middle(sample: Comparison) -> datetime:
    return median_low(timestamp for timestamp, _ in sample.known.values())
