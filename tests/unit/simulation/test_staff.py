"""Claims on the invented staff: enough of them, on two sites, and rows that the product's mapper takes."""

from collections import Counter

from quivive.contacts.directory import DirectoryContext, map_agent
from quivive.contacts.roster import RosterContext, map_shift
from quivive.privacy.pseudonym import ControllerKeys, derive_controller_agent_key
from quivive.rows import Row
from quivive.simulation.configuration import CONTROLLERS
from quivive.simulation.staff import EMPLOYER, ESTABLISHMENTS, Conduct, directory_rows, roster_rows, staff

NOW = 1_795_356_300_000_000
KEY = b"o" * 32
KEYS = {
    name: ControllerKeys(key_id="k1", record=b"r" * 32, agent=derive_controller_agent_key(KEY, name))
    for name in CONTROLLERS
}


def test_forty_agents_on_two_sites_and_one_of_each_misconduct():
    """At least forty, both sites, logins unique in each system, every conduct played by one agent."""
    agents = staff()
    assert len(agents) >= 40
    assert {a.establishment for a in agents} == set(ESTABLISHMENTS)
    for namespace in ("crm", "telephony", "helpdesk"):
        assert len({a.logins[namespace] for a in agents}) == len(agents)
    conducts = Counter(a.conduct for a in agents)
    assert all(conducts[c] == 1 for c in Conduct if c is not Conduct.ORDINARY)
    assert staff() == agents


def test_directory_rows_are_taken():
    """Every row maps; informed before anything happens; the forgotten account is there, the assignment is not."""
    context = DirectoryContext(operator_agent_key=KEY, controllers=KEYS)
    bodies = [map_agent(Row(row), context) for row in directory_rows(staff(), NOW)]
    assert all(0 < b.body.informed_at < NOW and b.body.employer == EMPLOYER for b in bodies)
    assert all(b.identity is not None for b in bodies)
    crosser = next(n for n, a in enumerate(staff()) if a.conduct is Conduct.READS_ANOTHER_CONTROLLER)
    assert bodies[crosser].body.controllers == ("mercato",)
    assert "sereni" in {a.controller for a in bodies[crosser].body.accounts}


def test_roster_rows_are_taken():
    """Everyone is planned now, under an identifier that names the start of the shift."""
    context = RosterContext(source="planning", operator_agent_key=KEY)
    shifts = [map_shift(Row(row), context) for row in roster_rows(staff(), NOW)]
    assert all(s.from_at <= NOW < s.to_at for s in shifts)
    assert len({s.shift for s in shifts}) == len(shifts)
