"""POST /v1/webhook: a token with a mapped source, its permission, the answer of an intake."""

import pytest

from conftest import ORIGIN, Client
from quivive.connectors.model import RowKind
from quivive.intake import IntakeReport
from quivive.model.errors import RefusedError
from quivive.model.permission import Role
from quivive.rows import RowError
from quivive.web.app import create_app


class Fake:
    """A webhook that takes whatever comes."""

    rows = RowKind.CONTACTS

    def kind(self, sources):
        if "crm" not in sources:
            raise RefusedError("source_kind")
        return self.rows

    async def take(self, *, sources, controllers, body):
        assert body == b"any;thing"
        return IntakeReport(accepted=1, duplicates=0, refused=(RowError(row=2, field="A", expected="x", found="y"),))


@pytest.fixture
def client(place):
    with Client(create_app(place.services(webhook=Fake())), base_url=ORIGIN) as client:
        yield client


def test_a_payload_is_answered_like_a_batch(client, bearer):
    """Accepted, duplicates, refused by row and field."""
    answer = client.post("/v1/webhook", content=b"any;thing", headers=bearer(Role.INTEGRATION, source="crm"))
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "refused": [{"row": 2, "field": "A", "expected": "x", "found": "y"}],
        "refused_total": 1,
    }


def test_who_may_not(client, bearer, place):
    """No token, no source, no mapping: refused, and the refusal of a known token is an entry."""
    assert client.post("/v1/webhook", content=b"x").status_code == 401
    assert client.post("/v1/webhook", content=b"x", headers=bearer(Role.INTEGRATION)).status_code == 403
    other = client.post("/v1/webhook", content=b"x", headers=bearer(Role.INTEGRATION, source="other"))
    assert (other.status_code, other.json()["code"]) == (422, "source_kind")
    assert client.post("/v1/webhook", content=b"x", headers=bearer(Role.SECURITY, source="crm")).status_code == 403
