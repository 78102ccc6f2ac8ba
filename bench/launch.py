"""How long it takes to make the run of a range, and how many events that writes.

    python -m bench.launch [--days 695]

Prints a line for Dagster's own instance and one for ours. The web server does this in the call that launches.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import yaml

from bench.harness import database
from telemetry_pipeline.days import today
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.tags import RANGE_END, RANGE_START

PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=695)
    days = parser.parse_args().days
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    with database() as url, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "DATABASE_URL": url,
            "DAGSTER_DATABASE_URL": postgres_url(url, driver="psycopg2"),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "PANACCESS_URL": "http://127.0.0.1:1/",
            "FIRST_PARTITION": "2020-01-01",
            "DAGSTER_HOME": home,
        } | dict.fromkeys(("PANACCESS_USERNAME", "PANACCESS_PASSWORD", "PANACCESS_API_TOKEN"), "bench")
        settings = Settings.load()
        job = build_defs(settings).resolve_job_def("telemetry_range")
        last = today(settings.operator_zone)
        tags = {RANGE_START: (last - timedelta(days=days - 1)).isoformat(), RANGE_END: last.isoformat()}
        for name, kept in (("ours", ("instance_class", "storage", "telemetry")), ("Dagster's", ("storage", "telemetry"))):
            (Path(home) / "dagster.yaml").write_text(yaml.safe_dump({key: config[key] for key in kept}))
            with dg.DagsterInstance.get() as instance:
                begin = time.perf_counter()
                run = instance.create_run_for_job(job, tags=tags)
                seconds = time.perf_counter() - begin
                events = len(instance.all_logs(run.run_id))
            print(f"{name}: a run of {days} days was made in {seconds:.2f} s, with {events:,} events", flush=True)


if __name__ == "__main__":
    main()
