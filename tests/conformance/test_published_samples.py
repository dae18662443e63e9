"""Asterisk's own samples and the documented Connect and Genesys samples import without loss (issue 3).

Read from the tester's folder, see conftest.py. "Without loss": every record or conversation gives a contact or is of
a kind that is none, and nothing is refused that its authors call good.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from quivive.connectors.amazon_connect import AmazonConnectTranslator
from quivive.connectors.asterisk.ami_events import AmiTranslator
from quivive.connectors.asterisk.cdr import CdrTranslator
from quivive.connectors.asterisk.cel import CelTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.genesys import GenesysTranslator
from quivive.connectors.model import CanonicalRow, Record, Refusal, Translator

pytestmark = pytest.mark.conformance

TESTSUITE = "asterisk/testsuite"
GUIDE = "awsdocs/amazon-connect-admin-guide"
TOOLS = "MyPureCloud/developer-tools"
NAMES = r"(?:PJSIP|SIP|Local)/(?P<login>[a-z]+)(?:@[^;]*)?(?:-[0-9a-f]+)?(?:;[12])?"
Find = Callable[[str, str], Path]


def rows_of(translator: Translator, records: Iterable[Any]) -> dict[str, dict[str, Any]]:
    numbered = (Record(number=number, fields=fields) for number, fields in enumerate(records, start=1))
    made = list(translator.feed(numbered, 1))
    refused = [each for each in made if isinstance(each, Refusal)]
    assert refused == []
    return {each.value["id"]: each.value for each in made if isinstance(each, CanonicalRow)}


@pytest.mark.parametrize("name", ["good.csv", "buggy.csv"])
def test_call_detail_records_of_the_self_test(published: Find, name: str) -> None:
    """The record their own parser stumbles over (an open quote in the last column) costs us nothing."""
    text = published(TESTSUITE, f"asttest/self-tests/cdrlib/{name}").read_text(encoding="utf-8")
    rows = rows_of(CdrTranslator(TelephonySettings()), ({"line": line} for line in text.splitlines()))
    assert rows["1231977075.0"]["started_at"].startswith("2009-01-14T23:51:15")


@pytest.mark.parametrize("name", ["CELMaster1.csv", "CELMaster2.csv"])
def test_channel_events_of_the_self_test(published: Find, name: str) -> None:
    """Every linked id of the file is a contact."""
    lines = published(TESTSUITE, f"lib/python/asterisk/self_test/{name}").read_text(encoding="utf-8").splitlines()
    rows = rows_of(CelTranslator(TelephonySettings()), ({"line": line} for line in lines))
    assert set(rows) == {line.split('","')[15] for line in lines if line}


@pytest.mark.parametrize("kind", ["caller_blind", "caller_attended"])
def test_manager_events_of_a_transfer_out_of_a_queue(published: Find, kind: str) -> None:
    """The events their test waits for, in its order, give the member his part in the caller's call."""
    path = published(TESTSUITE, f"tests/apps/queues/transfer/{kind}/test-config.yaml")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["ami-config"]
    matches = [each["ami-events"]["conditions"]["match"] for each in config]
    events = [completed(match, second) for second, match in enumerate(matches)]
    row = rows_of(AmiTranslator(TelephonySettings(agents=NAMES)), events)["1700000000.alice"]
    assert "bob" in {leg["agent"] for leg in row["legs"]}


def completed(match: dict[str, str], second: int) -> dict[str, str]:
    """Give the fields that a real event has beside those the test matches."""
    event = {name.lower(): re.sub(r"-\.\*$", "-00000001", str(value)) for name, value in match.items()}
    event["timestamp"] = f"{1_700_000_010 + second}.000000"
    event.setdefault("uniqueid", f"1700000000.{party(event.get('channel', 'alice'))}")
    event.setdefault("linkedid", "1700000000.alice")
    if event["event"] == "AgentConnect":
        event |= {"destuniqueid": "1700000001.bob", "destlinkedid": "1700000000.alice", "interface": "PJSIP/bob"}
        event |= {"destchannel": "PJSIP/bob-00000001", "queue": "queue1"}
    for side in ("origtransferer", "secondtransferer", "transferee", "transfertarget"):
        if f"{side}channel" in event:
            event[f"{side}uniqueid"] = f"1700000001.{party(event[f'{side}channel'])}"
            event[f"{side}linkedid"] = "1700000000.alice"
    return event


def party(channel: str) -> str:
    return re.sub(r"^.*/|-.*$", "", channel)


def test_documented_contact_events_and_agent_events(published: Find) -> None:
    """Both sample events are one contact each; the heartbeat of an agent without contacts is none."""
    events = samples(published(GUIDE, "doc_source/contact-events.md"))
    stream = samples(published(GUIDE, "doc_source/sample-agent-event-stream.md"))
    assert (len(events), len(stream)) == (2, 1)
    rows = rows_of(AmazonConnectTranslator(TelephonySettings()), [*events, *stream])
    assert set(rows) == {"11111111-1111-1111-1111-111111111111", "11111111-2222-3333-4444-555555555555"}
    assert rows["11111111-2222-3333-4444-555555555555"]["ended_at"].startswith("2021-08-04T17:18:37")


def samples(path: Path) -> list[dict[str, Any]]:
    """Read the JSON blocks of a page: comments, trailing commas, one-off misprints of the page are taken out."""
    found = []
    for block in re.findall(r"^```.*?\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        text = re.sub(r"\s//.*$", "", block, flags=re.MULTILINE)
        text = re.sub(r"\}\s*\}\s*,(\s*\"Configuration\")", r"},\1", text)  # the page closes a brace too early
        text = re.sub(r",(\s*[}\]])", r"\1", text)
        for candidate in (text, text + "}"):
            try:
                decoded = json.loads(candidate)
            except ValueError:
                continue
            found.append(decoded)
            break
    return found


def test_documented_conversations(published: Find) -> None:
    """Each of the conversations gives a contact; each user who spoke has a leg."""
    text = published(TOOLS, "app/controllers/analytics-query-builder.js").read_text(encoding="utf-8")
    start = text.find('"conversations"')
    if start < 0:
        pytest.skip("this version of the file holds no sample response")
    conversations, _ = json.JSONDecoder().raw_decode(text[text.index("[", start) :])
    rows = rows_of(GenesysTranslator(TelephonySettings()), conversations)
    assert set(rows) == {each["conversationId"] for each in conversations}
    for each in conversations:
        users = {
            participant["userId"]
            for participant in each["participants"]
            if participant.get("userId") and any(session.get("segments") for session in participant["sessions"])
        }
        spoken = {leg["agent"] for leg in rows[each["conversationId"]].get("legs", [])}
        assert spoken <= users
