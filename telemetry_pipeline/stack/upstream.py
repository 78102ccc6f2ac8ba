"""Which operator a home's own data came from, so that a simulated one and a real one never mix.

Record ids tell what is new. Another upstream has other ids, and its records would go missing or pass for old ones.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.services.simulator import SimulatorOptions


def settle_upstream(home: Path, simulator: SimulatorOptions | None) -> SimulatorOptions | None:
    """Hold a start in ``home`` to the upstream that earlier ones had.

    :param simulator: None for a real PanAccess.
    :return: the options, with the history's last moment as it was at the first start.
    :raises StackError: the home holds the data of another upstream.
    """
    if simulator is not None:
        simulator = with_end(home, simulator)
    known = _read(home)
    wanted = _described(simulator)
    if known is not None and wanted != known:
        raise StackError(
            f"{home} holds the data of {_named(known)}, not of {_named(wanted)}: "
            "set TELEMETRY_HOME to another directory, or remove this one"
        )
    return simulator


def with_end(home: Path, simulator: SimulatorOptions) -> SimulatorOptions:
    """Return the options with the history's last moment: that of the first start in ``home``, else theirs, else now."""
    known = _read(home)
    if known is not None and known["simulator"] is not None:
        return replace(simulator, end=datetime.fromisoformat(str(known["simulator"]["end"])))
    return simulator if simulator.end else replace(simulator, end=datetime.now(UTC).replace(microsecond=0))


def remember_upstream(home: Path, simulator: SimulatorOptions | None) -> None:
    """Note what :func:`settle_upstream` gave, for later starts."""
    _path(home).touch(mode=0o600)
    _path(home).write_text(json.dumps(_described(simulator)))


def _read(home: Path) -> dict[str, dict[str, object] | None] | None:
    try:
        known: dict[str, dict[str, object] | None] = json.loads(_path(home).read_text())
    except FileNotFoundError:
        return None
    return known


def _described(simulator: SimulatorOptions | None) -> dict[str, dict[str, object] | None]:
    if simulator is None or simulator.end is None:
        return {"simulator": None}
    options = asdict(simulator)
    del options["live"]  # may change from one start to the next
    records = simulator.records
    options["records"] = None if records is None else str(records.expanduser().resolve())
    options["end"] = simulator.end.isoformat()
    return {"simulator": options}


def _named(upstream: dict[str, dict[str, object] | None]) -> str:
    options = upstream["simulator"]
    if options is None:
        return "a real PanAccess"
    if options["records"] is not None:
        return f"a simulator with the records of {options['records']}"
    return (
        f"a simulator with {options['records_count']} records of {options['days']} days until {options['end']} "
        f"(seed {options['seed']})"
    )


def _path(home: Path) -> Path:
    return home / "upstream.json"
