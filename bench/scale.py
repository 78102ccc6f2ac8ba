"""Scale: what a stack takes with the history of a larger operator: ``--records 20000000`` is one of 20,000 subscribers.

Ticks of 1,000 new records over the history: ``processor_seconds`` of all processes but the simulator and ``wall_seconds``,
medians. ``peak_mb`` is the most memory that a process of the worker has had in use since it began, with what it shares;
``temp_mb`` what is left in the spill directory afterwards. ``night_seconds`` of the processor is ``telemetry_cleanup``'s.
"""

from __future__ import annotations

import argparse
from datetime import datetime

from bench.harness import median, result
from bench.processes import peak_mb
from bench.tick import bed


def main(records: int = 400_000, days: int = 90, rounds: int = 3) -> None:
    """Measure and print."""
    with bed(records, days) as filled, peak_mb(filled.home, "celery") as peak:
        ticks = []
        for number in range(rounds + 1):
            filled.add_records()
            ticks.append(filled.tick())
            print(f"{datetime.now():%H:%M:%S} round {number}: {ticks[-1]}, peak {peak():.0f} MB", flush=True)
        spilled = sum(file.stat().st_size for file in (filled.home / "spill").rglob("*") if file.is_file())
        night = filled.run("telemetry_cleanup")
        most = peak()
    result(
        bench="scale",
        records=records,
        processor_seconds=median([each.processor_seconds for each in ticks[1:]]),
        wall_seconds=median([each.wall_seconds for each in ticks[1:]]),
        peak_mb=round(most),
        temp_mb=round(spilled / 1e6),
        night_seconds=round(night.processor_seconds, 2),
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--days", type=int, default=90)
    arguments.add_argument("--rounds", type=int, default=3)
    main(**vars(arguments.parse_args()))
