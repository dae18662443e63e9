"""The first page tells each role what waits for it, and leads to its rows."""

from quivive.model.permission import Role
from quivive.web.routes.home import DUE
from quivive.web.sentences import DUE_CODES


def test_each_role_sees_what_it_may_open_and_nothing_else(signed_in):
    """Security hears of questions and unmaskings, the administrator of late removals, the DPO of all; zero is silent."""
    links = {role: signed_in(role).get("/").text for role in (Role.SECURITY, Role.DPO, Role.ADMINISTRATOR)}
    assert 'href="/cases">2 ·' in links[Role.SECURITY]
    assert 'href="/health#retention">1 ·' not in links[Role.SECURITY]
    assert 'href="/health#retention">1 ·' in links[Role.ADMINISTRATOR]
    assert 'href="/cases">2 ·' not in links[Role.ADMINISTRATOR]
    assert 'href="/recordings/campaigns">1 ·' in links[Role.DPO]
    assert all("#against" not in html for html in links.values())


def test_every_code_has_its_sentence():
    """What may wait and what is said of it are the same set."""
    assert {code for code, _, _ in DUE} == set(DUE_CODES)
