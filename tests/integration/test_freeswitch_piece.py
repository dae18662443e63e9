"""The FreeSWITCH script, run by a real Lua against a real gate; only FreeSWITCH's own objects are a stand-in."""

import asyncio
import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from test_exchange import TOKEN, Running

pytestmark = pytest.mark.integration
HOST = Path(__file__).with_name("freeswitch_host.lua")
PIECE = files("quivive.recordings.gate").joinpath("pieces/quivive_gate.lua")


def script(port, path, **variables):
    """Run the script as mod_lua would: what it set and executed."""
    named = {"AGENT": "4105", "ANNOUNCED": "v3", "UUID": "1763.4", "STEP": "", "FILE": "", **variables}
    done = subprocess.run(
        ["lua5.3", str(HOST), path],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={
            "PATH": os.environ["PATH"],
            "PIECE": str(PIECE),
            "QUIVIVE_GATE": f"http://127.0.0.1:{port}",
            "QUIVIVE_TOKEN": TOKEN,
            **named,
        },
    )
    return done.stdout.splitlines()


def test_it_records_after_a_yes_and_stops_at_an_objection(tmp_path):
    """The file is named by the answer; the caller's objection ends it."""

    async def work():
        async with Running(tmp_path) as running:
            told = await asyncio.to_thread(script, running.port, "may_record")
            assert told[:2] == ["set quivive=allow", "set quivive_reason=permitted"]
            answer = told[2].removeprefix("set quivive_answer=")
            assert told[3:] == [f"set quivive_file=/rec/{answer}.wav", f"execute record_session /rec/{answer}.wav"]
            told = await asyncio.to_thread(script, running.port, "objection", FILE=f"/rec/{answer}.wav")
            assert told[:2] == ["set quivive=deny", "set quivive_reason=objection"]
            assert told[3:] == [f"execute stop_record_session /rec/{answer}.wav"]

    asyncio.run(work())


def test_the_payment_step_is_masked(tmp_path):
    """Begun: no sound is kept."""

    async def work():
        async with Running(tmp_path) as running:
            await asyncio.to_thread(script, running.port, "may_record")
            told = await asyncio.to_thread(script, running.port, "payment_step", STEP="begin", FILE="/rec/a.wav")
            assert "api uuid_record 1763.4 mask /rec/a.wav" in told

    asyncio.run(work())


def test_without_a_gate_or_a_name_it_says_no(tmp_path):
    """A closed port, and an agent who is none: nothing is recorded."""
    assert script(1, "may_record") == ["set quivive=deny", "set quivive_reason=gate_unreachable", "set quivive_answer="]

    async def work():
        async with Running(tmp_path) as running:
            told = await asyncio.to_thread(script, running.port, "may_record", AGENT="nobody")
            assert told[0] == "set quivive=deny"
            assert not [line for line in told if line.startswith("execute")]

    asyncio.run(work())
