"""What reports can be had as, for who hands their files on: what makes them is said in ``publishing``, and loads far more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from telemetry_pipeline.warehouse.outgoing.made_reports import File, MadeReport

FORMATS: Mapping[str, str] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}
"""What people can have a report as, and its media type."""

PICTURE, PICTURE_TYPE = "png", "image/png"
"""The format of the picture that letters show; it is kept beside the report."""


def name_of(file: File) -> str:
    """Return what a file is called by those who get it."""
    return PurePosixPath(file.path).name


def name_in_mail(file: File) -> str:
    """Return the same without when it was made and what tells it from others: ``daily_report_2026-11-27.pdf``."""
    path = PurePosixPath(file.path)
    return path.stem.rsplit("_", 2)[0] + path.suffix


def link(where: str | None, made: MadeReport, file: File) -> str:
    """Return where somebody finds a file: at the front door, else where it is kept."""
    return file.path if where is None else f"{where.rstrip('/')}/informes/{made.report_id}/{file.format}"
