"""How values and tables look, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from telemetry_pipeline.cli.output import plain_table, print_table, to_json
from telemetry_pipeline.moments import bare_moment, moment
from telemetry_pipeline.reports.files.csv_text import to_csv, to_excel_csv

MEXICO = ZoneInfo("America/Mexico_City")


def on_a_terminal(script: str, width: int) -> str:
    """What a person sees of a script in a terminal of so many columns, without colours being taken away."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=terminal, stderr=subprocess.STDOUT, env=environment)
    os.close(terminal)
    seen = b""
    while select.select([controller], [], [], 30)[0]:
        try:
            part = os.read(controller, 65536)
        except OSError:  # how Linux says that nobody holds the terminal any more
            break
        if not part:
            break
        seen += part
    os.close(controller)
    assert process.wait(60) == 0, seen
    return seen.decode().replace("\r\n", "\n")


SCRIPT = """
from telemetry_pipeline.cli.output import print_table
print_table(["channel", "views", "a column with a long name"], [["Canal 5", 1234, "x" * 30], ["Ñandú", 7, None]],
            "what it is of", ["", "dim"])
"""


def test_values_keep_their_kind() -> None:
    row = {"d": "2026-10-01", "n": None, "x": 1.5, "i": 7, "b": True}
    assert json.loads(to_json([row])) == [row]
    assert to_csv(list(row), [row]) == "d,n,x,i,b\n2026-10-01,,1.5,7,true\n"


def test_what_strict_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json([{"x": float("nan")}])


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum(A1)", "\tx", "\n=1", "\uff1d1"])
def test_no_name_is_a_formula_for_excel_and_plain_csv_is_exact(name: str) -> None:
    row = {"channel": name, "change": -1.5, "views": -1234}
    [read] = csv.DictReader(io.StringIO(to_excel_csv(list(row), [row]).removeprefix("\ufeff"), newline=""), delimiter=";")
    assert read == {"channel": f"'{name}", "change": "-1,5", "views": "-1234"}
    [exact] = csv.DictReader(io.StringIO(to_csv(list(row), [row]), newline=""))
    assert exact["channel"] == name


def test_csv_for_excel_has_a_mark_semicolons_and_decimal_commas() -> None:
    row = {"d": "2026-10-01", "n": None, "x": 1234.5, "i": 7, "b": True, "t": "Canal 5; el mejor"}
    assert to_excel_csv(list(row), [row]) == '\ufeffd;n;x;i;b;t\r\n2026-10-01;;1234,5;7;true;"Canal 5; el mejor"\r\n'


def test_a_plain_table_is_aligned_with_numbers_to_the_right() -> None:
    body = [[("Canal 5", False), ("1,234", True)], [("", False), ("7", True)]]
    assert plain_table(["channel", "views"], body) == "channel  views\nCanal 5  1,234\n             7"


def test_letters_that_are_two_columns_wide_are_aligned() -> None:
    body = [[("東京", False), ("1", True)], [("abcdef", False), ("2", True)]]
    assert plain_table(["channel", "n"], body) == "channel  n\n東京     1\nabcdef   2"


def test_a_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["channel"], [["\x1b[2Jgone\nline"]])
    assert capsys.readouterr().out == "channel\n\\u001b[2Jgone\\nline\n"


def test_a_wide_terminal_has_a_table() -> None:
    seen = on_a_terminal(SCRIPT, 100)
    assert "│ Canal 5 │ 1,234 │" in seen
    assert "-- 1 --" not in seen
    assert "\x1b[2m" in seen
    assert "what it is of" in seen


def test_a_terminal_that_is_just_wide_enough_has_a_table_without_frames() -> None:
    """Ten runs in 80 columns are ten lines at a glance, not seventy."""
    lines = on_a_terminal(SCRIPT, 47).splitlines()
    assert lines[:2] == ["channel  views  a column with a long name", f"Canal 5  1,234  {'x' * 30}"]
    assert lines[2].startswith("\x1b[2mÑandú        7")


def test_sentences_in_the_last_column_go_on_in_the_next_line_at_a_space() -> None:
    sentence = "Which channels do most of all subscribers watch in an average minute?"
    script = f"from telemetry_pipeline.cli.output import print_table; print_table(['n', 'q'], [[1, {sentence!r}]], prose=True)"
    seen = on_a_terminal(script, 50)
    assert "-- 1 --" not in seen
    cells = [line.split("│")[2].strip() for line in seen.splitlines() if line.count("│") == 3]
    assert len(cells) == 2
    assert " ".join(cells) == sentence


def test_a_narrow_terminal_has_one_record_a_block_and_no_shreds() -> None:
    seen = on_a_terminal(SCRIPT, 40)
    assert "│" not in seen
    lines = [line for line in seen.splitlines() if "\x1b" not in line]
    assert lines[:4] == [
        "-- 1 --",
        "channel:                   Canal 5",
        "views:                     1,234",
        f"a column with a long name: {'x' * 30}",
    ]


def test_a_moment_is_the_operators_and_names_the_zone() -> None:
    at = datetime(2026, 11, 26, 20, 2, 3, tzinfo=UTC)
    assert moment(at, MEXICO) == "2026-11-26 14:02:03 America/Mexico_City"
    assert bare_moment(at, MEXICO) == "2026-11-26 14:02:03"
