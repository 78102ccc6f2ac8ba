"""Whether the upstream is still that of the stored records, and what people are told of its ids. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telemetry_pipeline.warehouse.cursor import Cursor
from telemetry_pipeline.warehouse.problems import UPSTREAM, Problem
from telemetry_pipeline.warehouse.records import Mark

ANOTHER, BELOW, JUMP = f"{UPSTREAM}another", f"{UPSTREAM}below", f"{UPSTREAM}jump"

_ENOUGH = 3
_SEE = "'telemetry-pipeline cursor' shows where it is, sets it, and says what that does"


def another(known: Mapping[int, Mark], given: Mapping[int, Mark], newest_id: int) -> Problem | None:
    """The problem that the upstream is not the one of the stored records; None if nothing says so.

    What it gives no more says little: it may keep records for some time only. But then newer ones are there.

    :param known: some stored records. :param given: what the upstream has under these ids.
    :param newest_id: the upstream's.
    """
    if len(known) < _ENOUGH:
        return None
    others = sum(given[record_id] != known[record_id] for record_id in given)
    if not given and newest_id < max(known):
        detail = f"It has none of {len(known)} stored records, and its newest id is {newest_id}."
    elif others >= _ENOUGH and 2 * others > len(given):
        detail = f"{others} of {len(given)} stored records have another time or action there."
    else:
        return None
    return Problem(
        ANOTHER,
        "PanAccess is not the one that the stored records come from, and nothing of it is stored",
        detail,
        "see that PANACCESS_URL and PANACCESS_USERNAME are right. If they are, say what it is: 'telemetry-pipeline adopt "
        "--same' if it is the same and has changed its records, 'telemetry-pipeline adopt --begins-at ID' if it is another one "
        "whose records go on from that id; if its ids overlap with the stored ones, begin with an empty database",
    )


def below(cursor: Cursor, newest_id: int) -> Problem | None:
    """The problem that the upstream has nothing at the cursor any more."""
    if newest_id >= cursor.record_id:
        return None
    return Problem(
        BELOW,
        "The newest record of PanAccess is below the cursor: ids begin anew, or it lost records",
        f"Its newest id is {newest_id}, the cursor is at {cursor.record_id}, {cursor.record_id - newest_id:,} ids above. What "
        "becomes new among the last ids of PanAccess is stored.",
        "if PanAccess was restored from a backup or begins its ids anew, set the cursor to where it goes on; if only its "
        f"newest records were deleted, this ends by itself. {_SEE}",
    )


def jump(cursor: Cursor, reached: int, jump_id: int | None, widest: int) -> Problem | None:
    """The problem that a hole holds the cursor, unless a person has said to leave out what is behind it."""
    if jump_id is None or cursor.ignores(jump_id):
        return None
    return Problem(
        JUMP,
        "Record ids of PanAccess jump, and what is behind the jump is not stored",
        f"Behind id {reached} comes {jump_id}, {jump_id - reached:,} ids further; up to {widest:,} are plausible "
        "(MAX_ID_JUMP). What comes below it is stored as ever.",
        "look at that record in PanAccess. If ids go on there, 'telemetry-pipeline cursor --accept' has the sync go on there, "
        "too; if it is a stray record, 'telemetry-pipeline cursor --ignore' leaves it out",
    )


def problems_among(found: Sequence[Problem | None]) -> dict[str, Problem]:
    """Those that there are, by key."""
    return {problem.key: problem for problem in found if problem}
