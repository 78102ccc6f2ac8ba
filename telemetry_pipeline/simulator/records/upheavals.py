"""What makes the visible records others, at a test's wish. No HTTP.

``POST /upheaval`` takes a JSON object with a ``kind``:

- ``renumber``: ``by``, ``from_id`` (the lowest): every record from that id on has an id that is so much higher, or lower;
- ``forget``: ``after_id``: the records above that id are gone, as after a backup was restored;
- ``another``: ``seed``, ``first_id``, ``records_count`` (1,000), ``days`` (7): the history of another operator takes the place
  of all records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from telemetry_pipeline.simulator.api.form import BadForm
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.fields import LARGEST_ID, SMALLEST_ID
from telemetry_pipeline.simulator.world import history
from telemetry_pipeline.simulator.world.population import Population


class _Upheaval(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Renumber(_Upheaval):
    """Ids move."""

    kind: Literal["renumber"]
    by: int
    from_id: int = SMALLEST_ID


class Forget(_Upheaval):
    """The newest records are gone."""

    kind: Literal["forget"]
    after_id: int


class Another(_Upheaval):
    """Another operator's records."""

    kind: Literal["another"]
    seed: int
    first_id: int = Field(ge=SMALLEST_ID, le=LARGEST_ID)
    records_count: int = Field(default=1_000, ge=1, le=1_000_000)
    days: int = Field(default=7, ge=1)


Upheaval = Renumber | Forget | Another
_UPHEAVAL = TypeAdapter[Upheaval](Annotated[Upheaval, Field(discriminator="kind")])
Record = dict[str, Any]


def parsed(wanted: object) -> Upheaval:
    """Return an upheaval of decoded JSON; ``BadForm`` says what it lacks."""
    try:
        return _UPHEAVAL.validate_python(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise BadForm(f"upheaval {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def after(upheaval: Upheaval, records: Iterable[Record], options: Options, now: datetime) -> list[Record]:
    """Return what becomes of the records."""
    if isinstance(upheaval, Forget):
        return [record for record in records if record["recordId"] <= upheaval.after_id]
    if isinstance(upheaval, Another):
        wanted = replace(
            options, seed=upheaval.seed, records_count=upheaval.records_count, days=upheaval.days, late_ids=0, end=now
        )
        population = Population(np.random.default_rng([wanted.seed, 0]), wanted.records_count, wanted.days)
        visible, _ = history.generate(wanted, population, now)
        records = visible.records(0, len(visible))
        upheaval = Renumber(kind="renumber", by=upheaval.first_id - history.FIRST_ID)
    return [
        {**record, "recordId": record["recordId"] + upheaval.by} if record["recordId"] >= upheaval.from_id else record
        for record in records
    ]
