"""What is kept of reports for long enough goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.reports.archive.keeping import Archive
from telemetry_pipeline.warehouse.outgoing import made_reports, outbox

_UNDER_WAY = timedelta(days=1)


def clear(engine: sa.Engine, archive: Archive, days: int) -> tuple[int, int, int]:
    """Delete reports and messages that are older, and files that no report on record has: of those, and of what came to an end
    before it was on record.

    :returns: how many reports, messages and files went.
    :raises ArchiveError: files cannot be deleted; the next time finds them.
    """
    with engine.begin() as connection:
        reports, messages = made_reports.delete_old(connection, days), outbox.delete_old(connection, days)
    with engine.connect() as connection:
        known = made_reports.paths(connection)
    # What is younger may be about to be put on record.
    strays = set(archive.find_ours(datetime.now(UTC) - _UNDER_WAY)) - known
    files = {file.path for report in reports for file in report.files} | strays
    archive.delete(sorted(files))
    return len(reports), messages, len(files)
