"""Commands of detection: what is refused, what is recorded, and that no key is answered."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from traces import CONTROLLER, CUSTOMER, T0, Shards, access, catalogue, event, gate, heartbeat, key, person

from quivive.core.alert_commands import alert_commands
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.entry import ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import ControllerKeys
from quivive.projection.projection import Projection

NOW = T0 + 3_600_000_000


@pytest.fixture
def core(tmp_path):
    projection, shards, acts = Projection.open(tmp_path / "projection"), Shards(), []
    tables = (Table(name=CUSTOMER, kind=TableKind.PERSON, key=("id",)),)
    declared = Catalogue(controller=CONTROLLER, version=1, tables=tables, not_protected=())
    keys = ControllerKeys(record=b"r" * 32, agent=b"a" * 32, key_id="k1")

    def write(kind, body, *, controller="operator", at=NOW):
        projection.apply(shards.durable([event(kind, body, source="core", at=at, controller=controller)]))

    async def record_act(body):
        acts.append(body)

    parts = SimpleNamespace(
        settings=SimpleNamespace(
            controllers={CONTROLLER: SimpleNamespace(catalogue=declared, default_region="FR")},
            operator=SimpleNamespace(demonstration=False),
        ),
        keyring=SimpleNamespace(controller_keys=lambda controller: keys),
        projection=projection,
        clock=lambda: NOW,
        record_act=record_act,
    )
    projection.apply(
        shards.durable(
            [catalogue(), gate(), person("anna", ["login-a"]), access("a1", T0, [(CUSTOMER, "c1")]), heartbeat(NOW)]
        )
    )
    handlers = alert_commands(parts, SimpleNamespace(write=write))
    made = SimpleNamespace(projection=projection, acts=acts)
    made.ask = lambda command, **request: asyncio.run(handlers[command](request))
    yield made
    projection.close()


def test_a_switch_is_turned_on_with_a_reference_only(core):
    """Off by default; on needs what covers it; the act and the entry are both there."""
    with pytest.raises(RefusedError, match="reference"):
        core.ask("switch-set", switch="residual", on=True, reference=" ")
    core.ask("switch-set", switch="residual", on=True, reference="AIPD 12")
    told = {each["switch"]: each["on"] for each in core.ask("switch-show")["switches"]}
    assert (told["residual"], told["own_record"], len(told)) == (True, False, 7)
    assert [act.act for act in core.acts] == [ActKind.SET_SWITCH]


def test_a_fictitious_switch_is_refused_outside_a_demonstration(core):
    """A demonstration record has no place in a real installation."""
    with pytest.raises(RefusedError, match="demonstration"):
        core.ask("switch-set", switch="residual", on=True, reference="x", demonstration=True)


def test_a_canary_is_kept_by_its_keys_only(core):
    """Adding and removing answer counts; the record and its number are forgotten."""
    answer = core.ask("canary-add", controller=CONTROLLER, record="customer:900001", contacts=["phone:+33199001234"])
    assert answer == {"controller": CONTROLLER, "contacts": 1}
    assert core.ask("canary-list") == {"canaries": {CONTROLLER: 1}}
    with core.projection.reading() as cursor:
        assert "900001" not in str(cursor.execute("SELECT * FROM canary").fetchall())
    core.ask("canary-remove", controller=CONTROLLER, record="customer:900001")
    assert core.ask("canary-list") == {"canaries": {}}


def test_an_unreadable_contact_or_an_unknown_company_is_refused(core):
    """Nothing is registered from what cannot be keyed."""
    with pytest.raises(RefusedError):
        core.ask("canary-add", controller=CONTROLLER, record="customer:1", contacts=["shoe-size:42"])
    with pytest.raises(RefusedError):
        core.ask("canary-add", controller="nobody", record="customer:1")


def test_an_exposure_search_needs_its_switch_and_is_an_act(core):
    """Off, it is refused; on, it is recorded with the number of victims and answers neutral codes."""
    with pytest.raises(RefusedError, match="off"):
        core.ask("exposure-search", controller=CONTROLLER, victims=["customer:1"])
    core.ask("switch-set", switch="exposure_search", on=True, reference="AIPD 12")
    answer = core.ask("exposure-search", controller=CONTROLLER, victims=["customer:1", "customer:2", "customer:2"])
    assert answer == {"victims": 2, "agents": []}
    assert (core.acts[-1].act, core.acts[-1].count) == (ActKind.SEARCH_EXPOSURE, 2)
    assert key("anna") not in str(answer)


def test_an_alert_that_is_not_there_is_refused_and_the_list_is_an_act(core):
    """Looking at alerts is recorded, even when there are none."""
    assert core.ask("alerts-list") == {"alerts": []}
    assert core.acts[-1].act is ActKind.VIEW_ALERTS
    with pytest.raises(RefusedError, match="no alert"):
        core.ask("alerts-show", alert="0" * 32)
    assert EntryKind.ALERT not in [act.act for act in core.acts]
