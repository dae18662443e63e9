"""Claims on the accounts: three of them, named after their company. The load itself: tests/integration."""

from quivive.simulation.configuration import RELAYED
from quivive.simulation.seeding import application_role, links_role, side_role


def test_each_company_has_accounts_of_its_own():
    """No account is shared between companies or purposes."""
    names = [role(company) for company in RELAYED for role in (application_role, links_role, side_role)]
    assert len(set(names)) == 9
