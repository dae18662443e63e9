"""Claims on contacts: identities leave as keys, agents obey the policy, labels hold nobody's number."""

import pytest

from quivive.contacts.mapper import MAX_LEGS, ContactContext, contact_label, map_contact, map_heartbeat
from quivive.model.catalogue import Alternate, Catalogue, Table, TableKind
from quivive.model.clock import HOUR_US, MINUTE_US
from quivive.model.contact import ContactKind, Direction, Leg, LegRole
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, alternate_key, consent_key, contact_key, record_key
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import FieldError, Row

KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(Alternate(column="number", kind="customer_number"),),
        ),
    ),
    not_protected=(),
)
CONTEXT = ContactContext(namespace="pbx", keyer=SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR"))
AT = 1_795_356_300_000_000  # 2026-11-22T14:05:00Z
NOW = AT + HOUR_US
AGENT = agent_key(KEYS, "pbx", "c.martin")
KEEPS = CapturePolicy(active=True, informed={AGENT: 1}, keep_unknown=False, service_accounts=())
CALL = {
    "id": "A-9917",
    "version": 2,
    "kind": "call",
    "direction": "inbound",
    "agent": "c.martin",
    "started_at": "2026-11-22T14:05:00Z",
    "ended_at": "2026-11-22T14:09:00Z",
    "phone": "01 99 00 00 01",
    "records": ["customer:2"],
}


def mapped(policy=KEEPS, **change):
    return map_contact(Row({**CALL, **change}), CONTEXT, policy, NOW)


def test_a_call_carries_keys_only():
    """Number and record become subject keys, linked to each other; the native id a key and a label."""
    result = mapped(team="assist-1", campaign="c-1", queue="q/1")
    body = result.body
    phone = alternate_key(KEYS, "phone", "+33199000001")
    person = record_key(KEYS, "public.customer", "2")
    assert {(s.kind, s.key) for s in body.subjects} == {("record", person), ("phone", phone)}
    assert body.identified
    assert [(x.left, x.left_kind, x.right) for x in result.links] == [(phone, "phone", person)]
    assert (body.contact, body.label, body.version) == (contact_key(KEYS, "A-9917"), "A-9917", 2)
    assert (body.contact_kind, body.direction) == (ContactKind.CALL, Direction.INBOUND)
    assert (body.team, body.campaign, body.queue) == ("assist-1", "c-1", "q/1")


def test_one_agent_is_one_leg_over_the_whole_contact():
    """From the first instant he saw it to the end of his work; the end is open while unknown."""
    times = {"preview_at": "2026-11-22T14:04:00Z", "wrapped_at": "2026-11-22T14:10:00Z"}
    assert mapped(**times).body.legs == (Leg(agent=AGENT, from_at=AT - MINUTE_US, to_at=AT + 5 * MINUTE_US),)
    assert mapped(ended_at=None).body.legs == (Leg(agent=AGENT, from_at=AT, to_at=0),)


def test_a_transfer_gives_legs():
    """Each agent keeps his own interval; the main agent is not added twice."""
    legs = [
        {"agent": "c.martin", "from": "2026-11-22T14:05:00Z", "to": "2026-11-22T14:06:00Z"},
        {"agent": "unknown", "from": "2026-11-22T14:06:00Z"},
    ]
    body = mapped(legs=legs).body
    assert body.legs == (
        Leg(agent=AGENT, from_at=AT, to_at=AT + MINUTE_US),
        Leg(agent="", from_at=AT + MINUTE_US, to_at=0),
    )
    assert len(mapped(legs=legs[1:]).body.legs) == 2


def test_an_agent_not_informed_leaves_an_empty_leg():
    """The contact stays, its agent does not."""
    policy = CapturePolicy(active=True, informed={AGENT: AT + 1}, keep_unknown=False, service_accounts=())
    assert [leg.agent for leg in mapped(policy).body.legs] == [""]


def test_dry_keeps_neither_agent_nor_subject():
    """In dry a contact is times and queue; that it was identified is a quality figure."""
    result = mapped(DRY_POLICY)
    assert (result.body.subjects, result.links, result.body.label) == ((), (), "")
    assert [leg.agent for leg in result.body.legs] == [""]
    assert result.body.identified


def test_a_hidden_number_identifies_nobody():
    """No valid number and no record: not identified, and no error."""
    body = mapped(phone="anonymous", records=None).body
    assert (body.subjects, body.identified) == ((), False)


def test_declared_identities_are_keyed():
    """A customer number declared in the catalogue is an identity; an undeclared kind is refused."""
    body = mapped(identities=[{"kind": "customer_number", "value": 4411}], phone=None, records=None).body
    assert [(s.kind, s.key) for s in body.subjects] == [
        ("customer_number", alternate_key(KEYS, "customer_number", "4411"))
    ]
    with pytest.raises(FieldError) as caught:
        mapped(identities=[{"kind": "nickname", "value": "x"}])
    assert caught.value.field == "$.identities[0].kind"


def test_the_day_of_a_contact_is_its_latest_past_instant():
    """A ticket touched today belongs to today, however old; a callback not yet due to the present."""
    old = {"opened_at": "2025-01-01T00:00:00Z", "touched_at": "2026-11-22T14:05:00Z"}
    ticket = mapped(kind="ticket", direction=None, started_at=None, ended_at=None, **old)
    assert ticket.at == AT
    assert ticket.body.direction is Direction.INTERNAL
    due = mapped(kind="callback", direction=None, started_at=None, ended_at=None, due_at="2026-12-01T00:00:00Z")
    assert due.at == NOW
    assert due.body.direction is Direction.OUTBOUND


WORK = {"direction": None, "started_at": None, "ended_at": None, "opened_at": "2026-11-22T14:00:00Z"}


@pytest.mark.parametrize("kind", [kind for kind in ContactKind if kind is not ContactKind.CALL])
def test_every_kind_of_work_is_mapped(kind):
    """Whatever may be a reason becomes a contact of its kind, with the agent's leg."""
    body = mapped(kind=kind.value, **WORK).body
    assert (body.contact_kind, body.opened_at, body.legs[0].agent) == (kind, AT - 5 * MINUTE_US, AGENT)


def test_a_leg_has_a_role():
    """Who listens, learns or helps is told apart; without a role a leg is the agent's."""
    legs = [{"agent": "c.martin", "role": "learner"}, {"agent": "c.martin"}]
    assert [leg.role for leg in mapped(kind="training", legs=legs, **WORK).body.legs] == [
        LegRole.LEARNER, LegRole.AGENT,
    ]  # fmt: skip


def test_a_job_names_its_account():
    """The login of a service account is a key in its login space, and nothing in dry."""
    job = {**WORK, "kind": "job", "agent": None, "account": "batch", "namespace": "crm"}
    assert mapped(**job).body.account == agent_key(KEYS, "crm", "batch")
    assert mapped(DRY_POLICY, **job).body.account == ""


def test_consent_is_kept_as_a_key():
    """The proof of a consent is named by a pseudonym, with its expiry, which may lie ahead."""
    member = {**WORK, "kind": "list_member", "consent": "C-77", "consent_expires_at": "2027-11-22T14:05:00Z"}
    body = mapped(**member).body
    assert (body.consent, body.consent_expires_at) == (consent_key(KEYS, "C-77"), AT + 365 * 24 * HOUR_US)
    assert body.direction is Direction.OUTBOUND
    assert mapped(DRY_POLICY, **member).body.consent == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account": "batch"}, "$.account"),
        ({"consent": "C-77"}, "$.consent"),
        ({"consent_expires_at": "2027-11-22T14:05:00Z"}, "$.consent"),
        ({"legs": [{"agent": "x", "role": "boss"}]}, "$.legs[0].role"),
        ({"kind": "chat"}, "$.kind"),
        ({"direction": None}, "$.direction"),
        ({"version": "2"}, "$.version"),
        ({"team": "Camille Dupont"}, "$.team"),
        ({"queue": "0612345678"}, "$.queue"),
        ({"started_at": "2027-01-01T00:00:00Z"}, "$.started_at"),
        ({"started_at": None, "ended_at": None}, "$.started_at"),
        ({"legs": [{"agent": "x", "from": "2026-11-22T14:05:00Z", "to": "2026-11-22T14:04:00Z"}]}, "$.legs[0].to"),
        ({"legs": [{"from": "2026-11-22T14:05:00Z"}]}, "$.legs[0].agent"),
        ({"legs": [{"agent": "x"}] * (MAX_LEGS + 1)}, "$.legs"),
        ({"records": ["nobody:1"]}, "$.records[0]"),
        ({"records": [f"customer:{n}" for n in range(70)]}, "$.records"),
        ({"phone": 612345678}, "$.phone"),
        ({"identities": ["Dupont"]}, "$.identities[0]"),
        ({"self_made": "no"}, "$.self_made"),
        ({"caller_name": "Camille Dupont"}, "$"),
    ],
)
def test_a_wrong_field_is_named_without_its_value(change, field):
    """Field, expected, type: never what stood there."""
    with pytest.raises(FieldError) as caught:
        mapped(**change)
    assert caught.value.field == field
    assert "Dupont" not in str(caught.value)


@pytest.mark.parametrize("text", ["A-9917", "TCK-2026/00017", "q1:42", "c-00000012"])
def test_short_references_are_shown(text):
    """A reader recognises the call or ticket."""
    assert contact_label(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "0612345678",
        "06-12-34-56-78",
        "A0612345678",
        "FR7630006000011234567890189",
        "Camille Dupont 7",
        "camille",
        "a@b.fr1",
        "x" * 40 + "1",
        "",
    ],
)
def test_what_could_be_a_person_is_no_label(text):
    """Numbers, names and addresses give an empty label."""
    assert contact_label(text) == ""


def test_a_heartbeat_cannot_promise_the_future():
    """Completeness in the future would make a silent source look alive."""
    assert map_heartbeat(Row({"complete_to": "2026-11-22T14:05:00Z"}), NOW).complete_to == AT
    with pytest.raises(FieldError):
        map_heartbeat(Row({"complete_to": "2026-11-22T18:05:00Z"}), NOW)
    with pytest.raises(FieldError):
        map_heartbeat(Row({"complete_to": "2026-11-22T14:05:00Z", "x": 1}), NOW)
