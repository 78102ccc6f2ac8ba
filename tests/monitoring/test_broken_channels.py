"""A channel that is broken or refuses a message holds up no other, and gets what it missed when it works again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from clocks import Clock
from hooks import Hook
from postbox import Mailbox
from watches import FAILED, MINUTE, Start

from telemetry_pipeline.monitoring.alerts.outbox import TRIES
from telemetry_pipeline.warehouse.operations import problems


def test_a_broken_channel_is_a_problem_that_the_others_tell_and_is_over_when_it_works(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox, closed_port: int
) -> None:
    broken = f"json://hans:geheimnis@127.0.0.1:{closed_port}/"
    watch = start(f"{broken} {mailbox.url}")
    problems.report(engine, FAILED)
    watch.tell()
    watch.tell()
    name = f"json://hans:****@127.0.0.1:{closed_port}"
    assert mailbox.subjects == ["PROBLEM: The task telemetry_tick failed", f"PROBLEM: Alerts do not get through {name}"]
    failing, working = problems.channels(engine)
    assert (failing.channel, failing.failures, failing.succeeded_at) == (name, 2, None)
    assert failing.failing_since is not None
    assert "Connection error" in str(failing.error)
    assert working.error is None
    assert f"channel:{name}" in {problem.key for problem in problems.open_problems(engine)}
    mended = start(mailbox.url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.problems set key = :key where key like 'channel:%'"),
            {"key": f"channel:{working.channel}"},
        )
    clock.ahead = 61 * MINUTE
    mended.judge({})
    mended.tell()
    mended.tell()
    assert {problem.key for problem in problems.open_problems(engine)} == {FAILED.key}
    assert mailbox.subjects[-1] == f"OVER: Alerts do not get through {working.channel}"
    with engine.connect() as connection:
        everything = connection.execute(sa.text("select problems::text from telemetry.problems")).scalars().all()
    assert "geheimnis" not in f"{everything}{problems.channels(engine)}{[mail.as_string() for mail in mailbox.mails]}"


def test_a_channel_that_is_given_up_is_no_problem_any_more(
    start: Start, engine: sa.Engine, mailbox: Mailbox, closed_port: int
) -> None:
    broken = f"json://127.0.0.1:{closed_port}/"
    watch = start(f"{broken} {mailbox.url}")
    problems.report(engine, FAILED)
    watch.tell()
    watch.judge({})
    assert len(problems.open_problems(engine)) == 2
    start(mailbox.url).judge({})
    assert [problem.key for problem in problems.open_problems(engine)] == [FAILED.key]


def test_what_no_channel_took_is_not_told_and_tried_again_a_minute_later(
    start: Start, engine: sa.Engine, clock: Clock, closed_port: int
) -> None:
    """A channel that took neither of two messages is left alone meanwhile: each try may take the whole time-out."""
    watch = start(f"json://127.0.0.1:{closed_port}/")
    problems.report(engine, FAILED)
    for _ in range(4):
        watch.tell()
    assert [channel.failures for channel in problems.channels(engine)] == [2]
    assert all(incident.told_at is None for incident in problems.open_problems(engine))
    clock.ahead = MINUTE
    watch.tell()
    assert [channel.failures for channel in problems.channels(engine)] == [3]


def test_a_message_that_a_channel_refuses_holds_up_no_other_and_is_sent_shorter(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook
) -> None:
    """One alert over Pushover's 1,024 characters silenced all that came later."""
    hook.longest = 1_500
    watch = start(hook.url)
    problems.report(engine, replace(FAILED, detail="many words " * 1_000))
    problems.report(engine, replace(FAILED, key="other", summary="The disk is full"))
    watch.tell()
    watch.tell()
    assert hook.titles == ["PROBLEM: The disk is full", f"PROBLEM: Alerts do not get through {hook.name}"]
    assert f"channel:{hook.name}" in {problem.key for problem in problems.open_problems(engine)}
    assert "PROBLEM: The task telemetry_tick failed" in hook.messages[1], "the short one says which one did not get through"
    clock.ahead = MINUTE
    watch.tell()
    watch.tell()
    assert hook.titles[2:] == ["PROBLEM: The task telemetry_tick failed", f"OVER: Alerts do not get through {hook.name}"]
    assert "What to do: look at the run" in hook.messages[2]
    assert len(hook.messages[2]) <= 1_000


def test_a_message_that_a_channel_refuses_for_good_is_given_up_there_and_said(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, mailbox: Mailbox
) -> None:
    hook.refused = "The task telemetry_tick failed"
    watch = start(f"{hook.url},{mailbox.url}")
    problems.report(engine, FAILED)
    for number in range(2 * TRIES):
        problems.report(engine, replace(FAILED, key=f"{number}", summary=f"Problem {number}"))
        watch.tell()
        clock.ahead += MINUTE
    with engine.connect() as connection:
        of_channel = "select detail from telemetry.problems where key like 'channel:%'"
        (detail,) = connection.execute(sa.text(of_channel)).scalars()
    assert detail.endswith(
        "It was the message '[Telemetry Pipeline] PROBLEM: The task telemetry_tick failed', which is given up after 5 tries."
    )
    assert f"PROBLEM: Alerts do not get through {hook.name}" in mailbox.subjects
    assert mailbox.subjects.count("PROBLEM: The task telemetry_tick failed") == 1
    assert hook.tries == TRIES
    assert {f"PROBLEM: Problem {number}" for number in range(2 * TRIES)} <= set(hook.titles)


def test_a_message_that_the_only_channel_refuses_for_good_is_settled(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.refused = "The task telemetry_tick:why failed"
    watch = start(hook.url)
    problems.report(engine, replace(FAILED, key="run:telemetry_tick:why"))
    for _ in range(2 * TRIES):
        watch.tell()
        clock.ahead += MINUTE
    assert hook.tries == TRIES
    assert "given up after 5 tries" in capsys.readouterr().out
    assert all(problem.told_at is not None for problem in problems.open_problems(engine))


def test_a_channel_that_was_down_gets_what_others_were_told_meanwhile_in_order(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, mailbox: Mailbox
) -> None:
    watch = start(f"{hook.url} {mailbox.url}")
    hook.longest = 0
    problems.report(engine, FAILED)
    watch.tell()
    problems.resolve(engine, FAILED.key)
    watch.tell()
    assert hook.titles == []
    assert mailbox.subjects[0] == "PROBLEM: The task telemetry_tick failed"
    hook.longest = 1_000_000
    for _ in range(3):
        clock.ahead += MINUTE
        watch.tell()
    assert [title for title in hook.titles if "tick" in title] == [
        "PROBLEM: The task telemetry_tick failed",
        "OVER: The task telemetry_tick failed",
    ]
    assert mailbox.subjects.count("PROBLEM: The task telemetry_tick failed") == 1
