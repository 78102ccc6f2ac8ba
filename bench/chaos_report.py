"""What came of a chaos, and how people are told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.truth import Finding


@dataclass
class Report:
    """What came of it.

    :ivar findings: ``lost``, ``twice``, ``wrong``, ``stuck`` or ``untold``, and what is said of the case; empty is well.
    :ivar strikes: how many of each signal and kind. :ivar problems: key to how often each began, and was told.
    :ivar ticks: how many began after the first strike and succeeded. :ivar launched: runs of other jobs meanwhile.
    """

    findings: list[Finding] = field(default_factory=list)
    strikes: Counter[str] = field(default_factory=Counter)
    problems: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds_until_quiet: float = 0.0
    ticks: int = 0
    launched: int = 0


def show(report: Report, say: Callable[[str], None]) -> None:
    """Say it to people."""
    for what, number in sorted(report.strikes.items()):
        say(f"{what:<32}{number:>5}")
    for key, (begun, told) in report.problems.items():
        say(f"problem {key}: {begun} times, told {told} times")
    for kind, finding in report.findings:
        say(f"FAILED {kind}: {finding}")
