"""Commands of the rules: counts without persons, what a change would do, records watched under a code."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from traces import CONTROLLER, CUSTOMER, T0, Shards, access, catalogue, event, gate, key, person

from quivive.core.rule_commands import rule_commands
from quivive.model.access import Action
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.errors import ConfigurationError, RefusedError
from quivive.privacy.pseudonym import ControllerKeys, person_key
from quivive.projection.projection import Projection

HOUR = 3_600_000_000
PERIOD = {"from_at": T0 - HOUR, "to_at": T0 + HOUR}
EXPORT = """
title: Any export
name: export
level: low
logsource: {product: quivive, category: access}
detection: {taken: {action: export, rows|gt: ROWS}, condition: taken}
custom: {certain: true}
"""


@pytest.fixture
def core(tmp_path):
    projection, shards, written = Projection.open(tmp_path / "projection"), Shards(), []
    tables = (Table(name=CUSTOMER, kind=TableKind.PERSON, key=("id",)),)
    declared = Catalogue(controller=CONTROLLER, version=1, tables=tables, not_protected=())
    controller = SimpleNamespace(id=CONTROLLER, catalogue=declared, default_region="FR", timezone="Europe/Paris")
    keys = ControllerKeys(record=b"r" * 32, agent=b"a" * 32, key_id="k1")
    made = SimpleNamespace(projection=projection, written=written, home=tmp_path)

    def write(kind, body, *, controller="operator"):
        written.append((kind, body))
        projection.apply(shards.durable([event(kind, body, source="core", at=T0, controller=controller)]))

    parts = SimpleNamespace(
        settings=SimpleNamespace(controllers={CONTROLLER: controller}, home=tmp_path),
        keyring=SimpleNamespace(controller_keys=lambda controller: keys, operator_agent_key=b"o" * 32),
        projection=projection,
        clock=lambda: T0 + 2 * HOUR,
    )
    exports = [access(f"x{n}", T0 + n, [(CUSTOMER, "c1")], action=Action.EXPORT, rows=n + 1) for n in range(3)]
    projection.apply(shards.durable([catalogue(), gate(), person("alice", ["login-a"]), *exports]))
    handlers = rule_commands(parts, SimpleNamespace(write=write))
    made.ask = lambda command, **request: asyncio.run(handlers[command](request))
    yield made
    projection.close()


def test_a_replay_counts_by_rule_and_day_and_shows_nobody(core):
    """Three exports of one agent on one day are one hit; no key in the answer."""
    answer = core.ask("rules-test", **PERIOD)
    assert answer["hits"] == {"export": {"20260528": 1}}
    assert key("alice") not in str(answer)


def test_a_changed_rule_tells_what_would_vanish(core):
    """Against the rule in force of the same name."""
    assert core.ask("rules-test", **PERIOD, text=EXPORT.replace("ROWS", "9"))["vanish"] == {"export": {"20260528": 1}}
    same = core.ask("rules-test", **PERIOD, text=EXPORT.replace("ROWS", "1"))
    assert (same["appear"], same["vanish"]) == ({}, {})


def test_a_new_rule_tells_what_would_appear(core):
    """Nothing of this name is in force."""
    answer = core.ask("rules-test", **PERIOD, text=EXPORT.replace("ROWS", "0").replace("name: export", "name: mine"))
    assert answer["appear"] == {"mine": {"20260528": 1}}


def test_a_bad_rule_names_file_and_key(core):
    """The error names what was expected, and nothing is run."""
    with pytest.raises(ConfigurationError) as caught:
        core.ask("rules-test", **PERIOD, text=EXPORT.replace("rows|gt: ROWS", "mood: bad"), file="mine.yml")
    assert (caught.value.file, caught.value.found) == ("mine.yml", "mood")


def test_a_period_is_bounded(core):
    """At most a month."""
    with pytest.raises(RefusedError):
        core.ask("rules-test", from_at=T0, to_at=T0 + 40 * 24 * HOUR)


def test_a_watched_record_is_a_key_under_a_code(core):
    """The record is keyed, the owner as well; a name is no code."""
    core.ask("watch-add", controller=CONTROLLER, record="customer:42", reference="DPO-2026-14", own="RH-0007")
    ((_, body),) = core.written
    assert (body.reference, body.removed) == ("DPO-2026-14", False)
    assert body.owner == person_key(b"o" * 32, "RH-0007")
    assert len(body.key) == 32
    with pytest.raises(RefusedError):
        core.ask("watch-add", controller=CONTROLLER, record="customer:42", reference="asked by Jeanne Exemple")


def test_the_list_shows_both_titles(core):
    """Off while its switch is off."""
    listed = {each["rule"]: each for each in core.ask("rules-list")["rules"]}
    assert (listed["export"]["runs"], listed["canary_touched"]["runs"]) == (True, False)
    assert all(each["title_fr"] and each["title_en"] for each in listed.values())
