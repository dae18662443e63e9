"""Addresses of servers and of the side connection."""

import pytest

from quivive.capture.address import Address, parse_address, parse_side_dsn
from quivive.model.errors import RefusedError


def test_addresses() -> None:
    """TCP, IPv6 and Unix forms."""
    assert parse_address("db:5432") == Address(host="db", port=5_432)
    assert parse_address("[::1]:5432") == Address(host="::1", port=5_432)
    assert parse_address("unix:/run/.s.PGSQL.5432") == Address(path="/run/.s.PGSQL.5432")


@pytest.mark.parametrize("text", ["db", ":1", "db:x", "db:99999"])
def test_other_forms_are_refused(text: str) -> None:
    """Anything else names the expected form."""
    with pytest.raises(RefusedError, match="host:port"):
        parse_address(text)


def test_side_dsn() -> None:
    """Passwords come from the URL or the environment; a socket folder stands in `host`."""
    side = parse_side_dsn("postgresql://u%40x:p%2Fw@db/base")
    assert (side.user, side.password, side.database, side.address) == (
        "u@x",
        "p/w",
        "base",
        Address(host="db", port=5_432),
    )
    side = parse_side_dsn("postgresql://u@/base?host=/run/pg&port=5433", "secret")
    assert (side.address, side.password) == (Address(path="/run/pg/.s.PGSQL.5433"), "secret")
    with pytest.raises(RefusedError) as refused:
        parse_side_dsn("mysql://u:hidden@h/db")
    assert "hidden" not in str(refused.value)
