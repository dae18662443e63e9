"""Claims about quivive.core.application_commands: asked by the owner, recorded, inside a period, naming nobody."""

import asyncio

import pytest

from quivive.core.application_commands import SETTLED_US, application_commands
from quivive.model.catalogue import Catalogue
from quivive.model.clock import DAY_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import ControllerKeys, agent_key
from quivive.settings import SourceKind, SourceSettings

NOW = 10**15
KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
POOL = agent_key(KEYS, "crm", "crm_pool")


class Controller:
    catalogue = Catalogue(controller="aurore", version=1, tables=(), not_protected=())


def source(kind=SourceKind.POSTGRES, controller="aurore", namespace="crm", **more):
    return SourceSettings(kind=kind, controller=controller, namespace=namespace, **more)


class Parts:
    """What the handlers need of the composed parts; `asked` keeps every query."""

    def __init__(self, **rows):
        self.rows, self.acts, self.asked = rows, [], []
        self.settings = self.projection = self.keyring = self
        self.controllers = {"aurore": Controller(), "boreal": Controller()}
        self.sources = {
            "db": source(service_accounts=("crm_pool",)),
            "audit": source(SourceKind.FILES, path="x", mapping="y"),
            "other": source(SourceKind.FILES, controller="boreal"),
            "erp": source(SourceKind.FILES, namespace="erp"),
            "calls": source(SourceKind.CONTACTS),
        }

    def controller_keys(self, controller):
        del controller
        return KEYS

    def clock(self):
        return NOW

    def query(self, scope, name, params):
        self.asked.append((name, scope, params))
        return self.rows.get(name, [])

    async def record_act(self, body):
        self.acts.append(body)


def ask(parts, command, **request):
    return asyncio.run(application_commands(parts)[command](request))


def test_coverage_names_declared_accounts_alone():
    """Only pseudonyms of declared service accounts are asked for, and come back by name; one act."""
    row = {
        "section": "class", "controller": "aurore", "program": "crm", "account": POOL, "shape": "", "tables": (),
        "action": "", "coverage": "exact", "has_columns": True, "statements": 3, "rows": 9,
    }  # fmt: skip
    parts = Parts(coverage_by_application=[row])
    told = ask(parts, "coverage", source="db", days=7, worst=5)
    assert list(told["applications"]) == [
        {"program": "crm", "account": "crm_pool", "statements": {"exact": 3}, "rows": {"exact": 9}}
    ]
    ((_, scope, params),) = parts.asked
    assert params["accounts"] == [f"{int(POOL[:16], 16)}/{int(POOL[16:], 16)}"]
    assert (scope.controllers, scope.from_at) == (("aurore",), NOW - 7 * DAY_US)
    (act,) = parts.acts
    assert (act.act, act.object) == (ActKind.VIEW_COVERAGE, "db")


def test_attribution_knows_which_sources_are_relays():
    """The fix of a relay's application is another than that of an API's."""
    rows = [
        {"source": name, "program": "", "account": "0" * 32, "attribution": "none", "statements": 2}
        for name in ("db", "audit")
    ]
    told = ask(Parts(attribution_by_application=rows), "attribution", days=1)
    assert {each["source"]: each["fix"] for each in told["applications"]} == {
        "db": "declare_account", "audit": "agent_field",
    }  # fmt: skip


def test_two_sources_are_compared_the_relay_first():
    """Whatever the order asked; what is younger than ten seconds waits; the skew found is taken out."""
    parts = Parts(reconcile_skew=[{"controller": "aurore", "pairs": 9, "median_us": 3_600_000_000}])
    told = ask(parts, "reconcile", first="audit", second="db", from_at=NOW - DAY_US, to_at=NOW + DAY_US)
    assert (told["first"], told["second"], told["to_at"]) == ("db", "audit", NOW - SETTLED_US)
    (_, (name, scope, params)) = parts.asked
    assert (name, params["skew_us"], params["count_from"]) == ("reconcile", 3_600_000_000, NOW - DAY_US)
    assert scope.from_at < NOW - DAY_US - 3_600_000_000
    assert [each["code"] for each in told["findings"]] == ["clock_skew"]
    assert [act.object for act in parts.acts] == ["db,audit"]


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        ("coverage", {"source": "calls", "days": 1, "worst": 1}),
        ("coverage", {"source": "nowhere", "days": 1, "worst": 1}),
        ("reconcile", {"first": "db", "second": "other", "from_at": 0, "to_at": 1}),
        ("reconcile", {"first": "db", "second": "erp", "from_at": 0, "to_at": 1}),
        ("reconcile", {"first": "db", "second": "db", "from_at": 0, "to_at": 1}),
        ("reconcile", {"first": "db", "second": "audit", "from_at": NOW, "to_at": NOW + 5}),
        ("reconcile", {"first": "db", "second": "audit", "from_at": 0, "to_at": 91 * DAY_US}),
    ],
)
def test_what_cannot_be_told_is_refused(command, request_):
    """Strangers, other logins, the future, more than ninety days: nothing is read."""
    parts = Parts()
    with pytest.raises(RefusedError):
        ask(parts, command, **request_)
    assert (parts.asked, parts.acts) == ([], [])
