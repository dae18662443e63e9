"""Claims on the server's places: an account that cannot pass is noticed, the wheel is found."""

import os
import stat

from quivive.simulation.database import Account, PostgresServer, free_port, is_free, reachable, wheel_programs

STRANGER = Account(name="stranger", uid=64_999, gid=64_999)


def test_a_private_folder_is_out_of_reach(tmp_path):
    """Every folder on the way must let the account pass; our own account always may."""
    private = tmp_path / "private"
    inner = private / "inner"
    inner.mkdir(parents=True)
    private.chmod(0o700)
    assert not reachable(inner, STRANGER)
    assert reachable(inner, None)
    mine = Account(name="me", uid=os.getuid(), gid=os.getgid())
    assert reachable(inner, mine)


def test_the_wheel_has_its_programs():
    """initdb, postgres and psql come with the extra `demo`."""
    for name in ("initdb", "postgres", "psql"):
        assert (wheel_programs() / name).stat().st_mode & stat.S_IXUSR


def test_dsns_quote_what_must_be_quoted(tmp_path):
    """Passwords with reserved characters survive in both forms."""
    server = PostgresServer(folder=tmp_path, programs=wheel_programs(), port=free_port(), password="p@ss/word")
    server.socket_folder = tmp_path / "s"
    assert server.dsn("mercato") == f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{server.port}/mercato"
    assert "host=%2F" in server.socket_dsn("mercato", user="mercato_side", password="")
    assert server.socket_dsn("m", user="x", password="").startswith("postgresql://x@/m?")
    assert server.fresh
    assert is_free(free_port())
