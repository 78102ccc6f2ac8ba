"""Scale: what a stack takes with the history of a larger operator, ``--records 20000000 --subscribers 50000``.

Ticks of 1,000 new records over the history: ``processor_seconds`` of all processes but the simulator and ``wall_seconds``,
medians. ``peak_mb`` is the most memory that a process of the worker has had in use since it began, with what it shares;
``temp_mb`` what is left in the spill directory afterwards. ``rebuild_seconds`` of the processor are those of computing 31 past
days anew, and ``held_up_seconds`` is how much longer a tick meanwhile takes than one alone. ``night_seconds`` of the processor
is ``telemetry_cleanup``'s.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta

from bench.harness import median, result
from bench.operators import load
from bench.processes import peak_mb
from bench.tick import bed
from telemetry_pipeline.job_names import CLEANUP, REBUILD

_FEW = 10_000
_DAYS_ANEW = 31


def main(records: int = 400_000, subscribers: int = 10_000, days: int = 90, rounds: int = 3) -> None:
    """Measure and print."""
    with bed(_FEW, days=1, history=_DAYS_ANEW) as filled:
        filled.stop_sensors()
        load(filled.settings, filled.database_url, records, subscribers, days)
        filled.publish_newest()
        with peak_mb(filled.home, "celery") as peak:
            ticks = []
            for number in range(rounds + 1):
                filled.add_records()
                ticks.append(filled.tick())
                print(f"{datetime.now():%H:%M:%S} round {number}: {ticks[-1]}, peak {peak():.0f} MB", flush=True)
            last = filled.today - timedelta(days=1)
            rebuild = filled.begin(REBUILD, first=last - timedelta(days=_DAYS_ANEW - 1), last=last)
            filled.add_records()
            beside = filled.tick()
            rebuilt = rebuild()
            print(f"{datetime.now():%H:%M:%S} rebuilt: {rebuilt}, a tick meanwhile: {beside}, peak {peak():.0f} MB", flush=True)
            spilled = sum(file.stat().st_size for file in (filled.home / "spill").rglob("*") if file.is_file())
            night = filled.run(CLEANUP)
            most = peak()
    alone = median([each.wall_seconds for each in ticks[1:]])
    result(
        bench="scale",
        records=records,
        subscribers=subscribers,
        processor_seconds=median([each.processor_seconds for each in ticks[1:]]),
        wall_seconds=alone,
        peak_mb=round(most),
        temp_mb=round(spilled / 1e6),
        rebuild_seconds=round(rebuilt.processor_seconds - beside.processor_seconds, 1),
        held_up_seconds=round(beside.wall_seconds - alone, 1),
        night_seconds=round(night.processor_seconds, 2),
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--subscribers", type=int, default=10_000)
    arguments.add_argument("--days", type=int, default=90)
    arguments.add_argument("--rounds", type=int, default=3)
    main(**vars(arguments.parse_args()))
