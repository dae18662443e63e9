"""Claims about quivive.core.resolve_commands and the command: two persons, line numbers only, counts of what is left."""

import asyncio
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))

import rich_click as click
from case_centre import FIRST, NOW, Centre
from click.testing import CliRunner
from test_office import DPO, OFFICER, ONE, decided, preserved
from traces import CONTROLLER, CUSTOMER, ORDER, SECOND, access, gate, key, person

from quivive.core.resolve_commands import MAX_BATCH, resolve_commands
from quivive.model.access import CoverageClass, RecordGroup
from quivive.model.alert import AlertBody, AlertOrigin, Hit, Severity
from quivive.model.approval import ApprovalAct
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.clock import DAY_US
from quivive.model.entry import ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.gate import GateState
from quivive.privacy.keyring import Keyring
from quivive.privacy.subject import SubjectKeyer
from quivive.projection.columns import access_id
from quivive.resolve_cli import add_resolve

SEEN = 30
CATALOGUE = Catalogue(
    controller=CONTROLLER,
    version=1,
    tables=(
        Table(name=CUSTOMER, kind=TableKind.PERSON, key=("id",)),
        Table(name=ORDER, kind=TableKind.LINKED, key=("id",)),
    ),
    not_protected=(),
)


class _Company:
    id, name, catalogue, default_region = CONTROLLER, "Aurore Énergie", CATALOGUE, "FR"


class _Operator:
    name, contact, timezone = "Centre", "dpo@centre.example", "Europe/Paris"


class Parts:
    """What the handlers need of the composed parts, over a real ledger and projection."""

    def __init__(self, centre):
        self.centre, self.acts, self.settings = centre, [], self
        self.controllers, self.operator = {CONTROLLER: _Company}, _Operator
        self.projection, self.keyring = centre.projection, Keyring.open(centre.home)

    def clock(self):
        return self.centre.now

    async def record_act(self, body):
        self.acts.append(body)

    async def record_entry(self, kind, controller, body):
        await self.centre.record(kind, controller, body)


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    made.told(*(gate(state, at=FIRST - 9 * DAY_US + n) for n, state in enumerate(GateState) if n > 1))
    made.told(person("anna", ["anna"], informed_at=FIRST - SECOND))
    keyer = SubjectKeyer(keys=Keyring.open(tmp_path).controller_keys(CONTROLLER), catalogue=CATALOGUE, region="FR")

    def shown(name, at, *records, **changes):
        made_access = access(name, at, agent="anna", rows=1, **changes)
        groups = tuple(RecordGroup(table=r.table, keys=(r.key,)) for r in map(keyer.record, records))
        return replace(made_access, body=replace(made_access.body, records=groups))

    told = [shown(f"a{n}", FIRST + n * SECOND, f"customer:{n}") for n in range(SEEN)]
    told.append(shown("again", FIRST + 50 * SECOND, "customer:3"))
    told.append(shown("order", FIRST + 60 * SECOND, "orders:9"))
    told.append(shown("blind", FIRST + 61 * SECOND, coverage=CoverageClass.COUNT_ONLY))
    told.append(shown("after", FIRST + DAY_US // 2, "customer:77"))
    made.told(*told)
    ids = tuple(access_id(each.source, f"a{n}", each.at) for n, each in enumerate(told[:3]))
    hit = Hit(
        controller=CONTROLLER, ident=key("anna"), topic="bulk-listing", origin=AlertOrigin.RULE, severity=Severity.HIGH,
        rule_version="0" * 64, from_at=FIRST, to_at=FIRST + 61 * SECOND, day="20261117", accesses=ids, facts=(),
    )  # fmt: skip
    body = AlertBody(alert="a" * 32, as_of=NOW - SECOND, hit=hit, freshness=(), would_explain=())
    made.take(EntryKind.ALERT, body, source="core", at=NOW - SECOND)
    yield made
    made.close()


async def allowed(centre):
    """A breach whose records two persons want listed."""
    case = await decided(centre)
    asked = await centre.office.ask(case, ONE, OFFICER, "prévenir l'entreprise", ApprovalAct.RESOLVE)
    centre.now += SECOND
    await centre.office.decide(case, ONE, DPO, asked.approval, granted=True, act=ApprovalAct.RESOLVE)
    return case


def refused(awaitable):
    with pytest.raises(RefusedError) as told:
        asyncio.run(awaitable)
    return told.value.code


def test_a_list_is_matched_by_number_and_the_rest_is_counted(centre):
    """Keys go in, line numbers come out; what has no key or no line is counted; every answer has its act."""
    parts = Parts(centre)
    handlers = resolve_commands(parts)

    async def story():
        case = await allowed(centre)
        opened = await handlers["resolve-open"]({"case": case})
        keys = ["customer:3", "public.customer:29", "customer:77", "customer:4000", "nothing", "customer:"]
        found = await handlers["resolve-match"]({"handle": opened["handle"], "keys": keys})
        return opened, found, await handlers["resolve-close"]({"handle": opened["handle"]})

    opened, found, told = asyncio.run(story())
    assert opened["records"] == SEEN + 1
    assert found == {
        "found": [
            [0, 2, 0, FIRST + 3 * SECOND, FIRST + 50 * SECOND],
            [1, 1, 0, FIRST + 29 * SECOND, FIRST + 29 * SECOND],
        ],
        "unreadable": [4, 5],
    }
    assert (told["resolved"], told["unresolved"]) == (2, SEEN - 1)
    assert told["unresolved_by_table"] == {CUSTOMER: SEEN - 2, ORDER: 1}
    assert (told["accesses"], told["accesses_without_keys"], told["first_at"]) == (SEEN + 3, 1, FIRST)
    assert [(act.act, act.count) for act in parts.acts] == [
        (ActKind.RESOLVE_RECORDS, SEEN + 1), (ActKind.RESOLVE_RECORDS, 2), (ActKind.RESOLVE_RECORDS, SEEN + 1)
    ]  # fmt: skip


def test_two_persons_and_once(centre):
    """Without an approval nothing is read; an approval serves once, and not the next day."""
    handlers = resolve_commands(Parts(centre))
    case = asyncio.run(decided(centre))
    assert refused(handlers["resolve-open"]({"case": case})) == "approval_not_approved"

    async def ask():
        return (await centre.office.ask(case, ONE, OFFICER, "x", ApprovalAct.RESOLVE)).approval

    approval = asyncio.run(ask())
    own = centre.office.decide(case, ONE, OFFICER, approval, granted=True, act=ApprovalAct.RESOLVE)
    assert refused(own) == "approval_same_person"
    assert refused(handlers["resolve-open"]({"case": case})) == "approval_not_approved"
    centre.now += SECOND
    asyncio.run(centre.office.decide(case, ONE, DPO, approval, granted=True, act=ApprovalAct.RESOLVE))
    centre.now += 2 * DAY_US
    assert refused(handlers["resolve-open"]({"case": case})) == "approval_expired"
    centre.now -= 2 * DAY_US - SECOND
    asyncio.run(handlers["resolve-open"]({"case": case}))
    assert refused(resolve_commands(Parts(centre))["resolve-open"]({"case": case})) == "approval_not_approved"


def test_a_granted_name_is_no_granted_list_and_only_a_breach_has_one(centre):
    """Each act has its own approval; nothing is asked before the decision."""

    async def story():
        return await preserved(centre)

    case = asyncio.run(story())
    assert refused(centre.office.ask(case, ONE, OFFICER, "x", ApprovalAct.RESOLVE)) == "case_stage"
    handlers = resolve_commands(Parts(centre))
    assert refused(handlers["resolve-open"]({"case": case})) == "case_stage"
    assert refused(handlers["resolve-open"]({"case": "nothing"})) == "case_unknown"
    assert refused(handlers["resolve-match"]({"handle": "x", "keys": []})) == "resolve_unknown"


def test_the_command_writes_the_list_for_its_owner_alone_and_a_form_that_names_nobody(centre, tmp_path):
    """Twelve thousand lines in batches: the matching ones in a private file, the forms beside it."""
    handlers = resolve_commands(Parts(centre))
    case = asyncio.run(allowed(centre))

    def ask(home, command, **request):
        del home
        return asyncio.run(handlers[command](request))

    group = click.Group()
    add_resolve(group, ask)
    lines, out = tmp_path / "keys.txt", tmp_path / "found.csv"
    lines.write_text("".join(f"customer:{n}\n" for n in range(3 * MAX_BATCH)) + "?\n")
    told = CliRunner().invoke(group, ["resolve", "--case", case, "--keys", str(lines), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "customer" not in told.output
    rows = out.read_text().splitlines()
    assert (len(rows), rows[1].split(",")[:3]) == (1 + SEEN, ["customer:0", "1", "0"])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    for language in ("fr", "en"):
        form = (tmp_path / f"found.csv.article33.{language}.md").read_text()
        assert f"| {SEEN + 1} |" in form
        assert "public.customer.last_name" in form
        assert not any(secret in form for secret in ("customer:", "Camille", key("anna")))
    again = CliRunner().invoke(group, ["resolve", "--case", case, "--keys", str(lines), "--out", str(out)])
    assert again.exit_code != 0
