"""An in-memory installation (`fakes.py`) and clients signed in under each role."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `fakes` is shared with the journeys; tests are no packages

import fakes
from web_client import Client

from quivive.web.app import create_app
from quivive.web.guards import session_cookie

ORIGIN = "http://testserver.local"


@pytest.fixture
def place(tmp_path):
    """The installation."""
    place = fakes.installation(tmp_path)
    yield place
    place.vault.close()


@pytest.fixture
def app(place):
    """The application over the installation."""
    return create_app(place.services())


@pytest.fixture
def anonymous(app):
    """A client of nobody."""
    with Client(app, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def signed_in(place):
    """Make a client signed in under a role; an application each, over the same installation."""
    opened = []

    def make(role, controllers=fakes.CONTROLLERS[:2], **changed):
        client = Client(create_app(place.services(**changed)), base_url=ORIGIN)
        opened.append(client)
        client.__enter__()
        secret = place.session(role, controllers)
        client.cookies.set(session_cookie(place.services()), secret)
        client.csrf = place.vault.session(secret, place.now).csrf
        return client

    yield make
    for client in reversed(opened):
        client.__exit__(None, None, None)


@pytest.fixture
def bearer(anonymous, place):
    """Make the headers of a token."""

    def make(*roles, **more):
        return {"Authorization": f"Bearer {place.token(*roles, **more)}"}

    return make
