"""Claims of the pages of recordings: proposed by one, announced by another; the agent reads, taps, subscribes; kiosk."""

import asyncio
import re
import sys
from pathlib import Path

import fakes
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recordings"))

from desk_place import DRAFT, RECORDING, Place
from register_bodies import ANNE

from quivive.model.entry import ActKind
from quivive.model.permission import Role
from quivive.model.recording_register import NoticeState
from quivive.vault import Vault

FORM = {
    "campaign": "qualite-aurore",
    "controller": "aurore",
    "purpose": "quality",
    "basis": "legitimate_interest",
    "sites": "nord",
    "listeners": "evaluator-1; evaluator-2",
    "from": "2026-10-19",
    "to": "2026-10-30",
    "day_mon": "1",
    "begins": "09:00",
    "ends": "12:00",
    "medium_recording": "1",
    "trigger": "sample",
    "share_percent": "2,5",
    "cap_month": "5",
    "retention_days": "30",
    "analysis_days": "365",
    "lead_days": "7",
    "announcement": "aurore-3",
    "objection": "1",
    "neutralisation": "1",
    "payment": "none",
}


@pytest.fixture
def hall(tmp_path):
    """The desk behind the pages, over a vault of its own."""
    hall = Place(Vault.open(tmp_path / "desk.db"))
    yield hall
    hall.vault.close()


@pytest.fixture
def as_role(signed_in, hall):
    """A client of a role before this desk."""
    return lambda role, **more: signed_in(role, desk=hall.desk, **more)


@pytest.fixture
def as_anne(signed_in, hall, place, monkeypatch):
    """An agent whose person is Anne."""
    monkeypatch.setattr(fakes, "PERSON", ANNE)
    return signed_in(Role.AGENT, desk=hall.desk)


def test_a_lawful_form_waits_and_another_role_announces_it(as_role, hall, place):
    """Two persons, two acts; the page says where it stands."""
    evaluator = as_role(Role.EVALUATOR)
    answer = evaluator.submit("/recordings/campaigns", **FORM)
    assert answer.headers["location"] == "/recordings/campaigns?done=proposed"
    body = hall.register.campaign("qualite-aurore")
    assert (body.share_permille, len(body.listeners), len(body.periods)) == (25, 2, 2)
    dpo = as_role(Role.DPO)
    assert "qualite-aurore" in dpo.get("/recordings/campaigns").text
    answer = dpo.submit("/recordings/campaigns/decide", campaign="qualite-aurore", version="1", agree="yes")
    assert answer.headers["location"].endswith("done=announced")
    assert [each.campaign for each in hall.register.in_force()] == ["qualite-aurore"]
    acts = [act.act for act in place.acts]
    assert acts.index(ActKind.PROPOSE_CAMPAIGN) < acts.index(ActKind.DECIDE_CAMPAIGN)


def test_a_refused_form_comes_back_with_its_rules_and_what_was_typed(as_role, hall):
    """422, the clause, the sentence, the fields; kept as refused."""
    answer = as_role(Role.EVALUATOR).submit("/recordings/campaigns", **FORM | {"retention_days": "400"})
    assert answer.status_code == 422
    assert "R-04" in answer.text
    assert 'value="qualite-aurore"' in answer.text
    assert hall.register.campaign("qualite-aurore").refusals


def test_an_unreadable_form_names_the_field_and_keeps_nothing(as_role, hall):
    """The place, not what was typed."""
    answer = as_role(Role.EVALUATOR).submit("/recordings/campaigns", **FORM | {"share_percent": "mallory"})
    assert answer.status_code == 422
    assert "share_percent" in answer.text
    assert hall.register.campaigns() == []


def test_an_evaluator_neither_announces_nor_reaches_another_company(as_role, hall):
    """403 for the deed; a campaign outside the scope is unknown."""
    asyncio.run(hall.desk.propose(DRAFT, principal="x", role="evaluator"))
    fields = {"campaign": "formation-aurore", "version": "1", "agree": "yes"}
    assert as_role(Role.EVALUATOR).submit("/recordings/campaigns/decide", **fields).status_code == 403
    elsewhere = as_role(Role.DPO, controllers=("boreal",))
    assert elsewhere.submit("/recordings/campaigns/decide", **fields).status_code == 404
    assert "formation-aurore" not in elsewhere.get("/recordings/campaigns").text


def test_the_dpo_does_not_propose(as_role, hall):
    """No form, and a posted one is refused."""
    dpo = as_role(Role.DPO)
    assert '<form class="form wide-form"' not in dpo.get("/recordings/campaigns/new").text
    assert dpo.submit("/recordings/campaigns", **FORM).status_code == 403


def test_the_register_shows_calendar_refusals_and_counts_but_nobody(as_role, hall):
    """SVG with its table, sentences of refusals, how many were told; no pseudonym."""
    asyncio.run(hall.announce())
    asyncio.run(hall.desk.propose(DRAFT | {"campaign": "tout", "trigger": "all"}, principal="x", role="evaluator"))
    hall.now = hall.register.campaign("formation-aurore").from_at
    text = as_role(Role.EVALUATOR).get("/recordings/campaigns").text
    assert "R-02" in text
    assert ANNE not in text
    assert as_role(Role.EVALUATOR).submit("/recordings/campaigns/end", campaign="formation-aurore", version="1")
    assert hall.register.in_force() == []


def test_the_agent_reads_and_taps(as_anne, hall, place):
    """Shown is delivered; the tap acknowledges, as an act without a person."""
    asyncio.run(hall.announce())
    page = as_anne.get("/my-space").text
    assert "formation" in page
    assert hall.desk.own(ANNE)[0].told.state is NoticeState.DELIVERED
    answer = as_anne.submit("/my-space/notice", campaign="formation-aurore", version="1")
    assert answer.headers["location"] == "/my-space?read=1#recordings"
    assert hall.desk.own(ANNE)[0].told.state is NoticeState.ACKNOWLEDGED
    assert place.acts[-1].act is ActKind.ACKNOWLEDGE_NOTICE
    assert ANNE not in str(place.acts)
    assert as_anne.submit("/my-space/notice", campaign="formation-aurore", version="9").status_code == 404


def test_a_calendar_link_opens_a_feed_without_a_name(as_anne, hall, anonymous):
    """The secret is shown once; a guess is not found."""
    asyncio.run(hall.announce())
    link = re.search(r'value="[^"]*(/calendar/[\w-]+\.ics)"', as_anne.submit("/my-space/calendar").text)[1]
    feed = as_anne.get(link)
    assert feed.headers["content-type"].startswith("text/calendar")
    assert feed.text.count("BEGIN:VEVENT") == 4
    assert all(len(line.encode()) <= 75 for line in feed.text.split("\r\n"))
    assert as_anne.get("/calendar/guess.ics").status_code == 404


def test_a_kiosk_code_is_read_then_used_up(as_role, hall, place):
    """Without a session of the agent; unknown codes say no more, and too many are slowed down."""
    asyncio.run(hall.announce())
    ((_, code),) = asyncio.run(hall.desk.kiosk_codes("formation-aurore", ["A17"], principal="x"))
    client = as_role(Role.EVALUATOR)
    assert "formation" in client.submit("/kiosk", code=code).text
    assert client.submit("/kiosk/read", code=code).headers["location"] == "/kiosk?read=1"
    assert place.acts[-1].principal == "kiosk"
    statuses = {client.submit("/kiosk", code=f"{number:012d}").status_code for number in range(25)}
    assert statuses == {404, 429}


def test_an_analysis_is_written_and_read_by_its_agent(as_role, as_anne, hall, place):
    """The evaluator writes, the agent reads it on the own page, another evaluator does not."""
    asyncio.run(hall.announce(listeners=["evaluator-1"]))
    grid = {
        "grid": "accueil",
        "purpose": "training",
        "criteria": [{"code": "greeting", "fr": "Accueil", "en": "Greeting"}],
    }
    asyncio.run(hall.desk.analysis.register_grid(grid))
    evaluator = as_role(Role.EVALUATOR)
    fields = {
        "controller": "aurore",
        "recording": RECORDING,
        "grid": "accueil",
        "mark_greeting": "2",
        "remark": "Bravo.",
    }
    assert evaluator.submit("/recordings/analysis", **fields).headers["location"] == "/recordings/analysis?made=1"
    document = hall.register.documents()[0].document
    assert "Bravo." in evaluator.get(f"/recordings/analysis/{document}").text
    assert "Bravo." in as_anne.get("/my-space").text
    assert evaluator.submit("/recordings/analysis", **fields | {"recording": "x"}).status_code == 404
    assert ActKind.MAKE_DOCUMENT in [act.act for act in place.acts]


@pytest.mark.parametrize(
    "path", ["/recordings/campaigns", "/recordings/analysis", "/kiosk", "/recordings/campaigns/new"]
)
def test_without_a_register_the_pages_are_not_there(signed_in, path):
    """An installation whose core has no desk answers 404, never an error."""
    assert signed_in(Role.EVALUATOR).get(path).status_code == 404


def test_an_evaluator_holds_no_permission_on_traces():
    """Every permission of the traces is closed to evaluators (law reference: supervisors never see traces)."""
    from quivive.model.permission import ROLE_PERMISSIONS

    assert not [each for each in ROLE_PERMISSIONS[Role.EVALUATOR] if each.startswith(("controller.", "operator."))]


class FakeConformity:
    """Remembers what was closed."""

    def __init__(self):
        self.closed = []

    def close(self, name, **asked):
        self.closed.append((name, asked["reference"], asked["principal"]))


def test_a_finding_is_closed_by_a_person_with_a_reference(as_role, place):
    """The data protection officer does; the act is written first. An evaluator may not."""
    desk = FakeConformity()
    form = {"nonconformity": "3" * 32, "reference": "CR-1"}
    assert as_role(Role.EVALUATOR, conformity=desk).submit("/recordings/campaigns/close", **form).status_code == 403
    answer = as_role(Role.DPO, conformity=desk).submit("/recordings/campaigns/close", **form)
    assert answer.headers["location"] == "/recordings/campaigns?done=closed"
    ((name, reference, _),) = desk.closed
    assert (name, reference) == ("3" * 32, "CR-1")
    assert ActKind.CLOSE_NONCONFORMITY in [act.act for act in place.acts]
