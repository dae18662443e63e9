"""Claims on the rows of telephony and helpdesk: the product's mapper takes every version."""

from quivive.contacts.mapper import ContactContext, map_contact
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import Row
from quivive.simulation.contacts import Call, Leg, Ticket, callback_row

AT = 1_795_356_300_000_000
KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),),
    not_protected=(),
)
CONTEXT = ContactContext(namespace="telephony", keyer=SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR"))
AGENTS = {agent_key(KEYS, "telephony", login): 1 for login in ("4101", "4102")}
POLICY = CapturePolicy(active=True, informed=AGENTS, keep_unknown=False, service_accounts=())


def taken(row):
    reader = Row(row)
    reader.text("controller")
    return map_contact(reader, CONTEXT, POLICY, AT + 60_000_000).body


def test_a_call_grows_version_by_version():
    """Ringing, then transferred, then over: versions rise, legs and instants follow, the label is shown."""
    call = Call(
        id="A1-00012",
        controller="aurore",
        team="aurore-assistance",
        direction="inbound",
        customer=77,
        identity={"phone": "01 99 00 12 34"},
        offered_at=AT,
        started_at=AT + 1_000_000,
        legs=[Leg(login="4101", from_at=AT)],
    )
    first = taken(call.row())
    assert (first.version, first.identified, first.ended_at, len(first.legs)) == (1, True, 0, 1)
    call.legs[0].to_at = AT + 5_000_000
    call.legs.append(Leg(login="4102", from_at=AT + 5_000_000, to_at=AT + 9_000_000))
    call.ended_at, call.wrapped_at = AT + 9_000_000, AT + 11_000_000
    last = taken(call.row())
    assert (last.version, last.wrapped_at, [leg.to_at - AT for leg in last.legs]) == (
        2,
        AT + 11_000_000,
        [5_000_000, 9_000_000],
    )
    assert last.label == "A1-00012"


def test_a_ticket_and_a_callback():
    """A ticket names its customer and its holder; a callback lies in the future."""
    ticket = Ticket(
        id="T1-00003",
        controller="aurore",
        team="aurore-dossiers",
        login="4101",
        customer=77,
        opened_at=AT - 9,
        assigned_at=AT,
    )
    body = taken(ticket.row())
    assert (body.contact_kind, body.assigned_at, len(body.subjects), body.legs[0].to_at) == ("ticket", AT, 1, 0)
    row = callback_row(
        native_id="R1-00001",
        controller="aurore",
        team="t",
        login="4102",
        customer=7,
        opened_at=AT,
        due_at=AT + 90_000_000,
    )
    assert taken(row).due_at == AT + 90_000_000
