"""The ready pieces: the AGI script run as Asterisk runs it; the files are shipped and say no when in doubt."""

import asyncio
import os
import subprocess
import sys
from importlib.resources import files

from test_exchange import TOKEN, Running

PIECES = files("quivive.recordings.gate").joinpath("pieces")
ENVIRONMENT = "agi_request: quivive-gate.agi\nagi_callerid: \nagi_channel: PJSIP/4105-1\n\n"


def agi(port, *words, call="1763.4"):
    """Run the script: what it told Asterisk."""
    answers = f"200 result=1 ({call})\n" + "200 result=1\n" * 4
    done = subprocess.run(
        [sys.executable, str(PIECES / "quivive-gate.agi"), *words],
        input=ENVIRONMENT + answers,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={**os.environ, "QUIVIVE_GATE": f"http://127.0.0.1:{port}", "QUIVIVE_TOKEN": TOKEN},
    )
    return [line for line in done.stdout.split("\n") if line.startswith("SET")]


def test_the_agi_script_hears_the_answer(tmp_path):
    """Three variables on the channel; the call is the linked id."""

    async def work():
        async with Running(tmp_path) as running:
            told = await asyncio.to_thread(agi, running.port, "may_record", "agent=4105", "announced=v3")
            assert told[:2] == ['SET VARIABLE QUIVIVE "allow"', 'SET VARIABLE QUIVIVE_REASON "permitted"']
            told = await asyncio.to_thread(agi, running.port, "objection", "agent=4105", "channel=key")
            assert told[:2] == ['SET VARIABLE QUIVIVE "deny"', 'SET VARIABLE QUIVIVE_REASON "objection"']

    asyncio.run(work())


def test_without_a_gate_the_agi_script_says_no():
    """A closed port is a no."""
    assert agi(1, "may_record", "agent=4105")[0] == 'SET VARIABLE QUIVIVE "deny"'


def test_every_piece_is_shipped_and_records_only_after_a_yes():
    """Recording stands behind the comparison with `allow`, in each of them."""
    names = {each.name for each in PIECES.iterdir()}
    assert names == {"quivive-gate.conf", "quivive-gate.agi", "quivive_gate.lua"}
    dialplan = (PIECES / "quivive-gate.conf").read_text(encoding="utf-8")
    assert dialplan.index('= "allow"') < dialplan.index("MixMonitor(${QV_FILE},b)")
    lua = (PIECES / "quivive_gate.lua").read_text(encoding="utf-8")
    assert lua.index('allowed == "allow"') < lua.index('"record_session"')
