"""Claims on the written configuration: the product accepts it, it holds no secret, it is never overwritten."""

from pathlib import Path

from quivive.settings import SourceKind, load_settings
from quivive.simulation.configuration import CONTROLLERS, LINK_COLUMNS, RELAYED, Ports, write_configuration

SIDES = {name: f"postgresql://{name}_side@/{name}?host=%2Frun%2Fpg&port=20001" for name in RELAYED}
PORTS = Ports(web=20_002, relays={name: 20_003 + n for n, name in enumerate(RELAYED)})


def write(home: Path):
    write_configuration(home, language="fr", socket=Path("/run/pg/.s.PGSQL.20001"), side_dsns=SIDES, ports=PORTS)


def test_the_product_accepts_it(tmp_path):
    """Strict settings load: three relays, one file, two contact sources, directory, roster, API; four controllers."""
    write(tmp_path)
    settings = load_settings(tmp_path)
    assert tuple(settings.controllers) == tuple(sorted(CONTROLLERS))
    kinds = sorted(source.kind for source in settings.sources.values())
    assert kinds.count(SourceKind.POSTGRES) == 3
    assert {SourceKind.ACCESS_FILE, SourceKind.DIRECTORY, SourceKind.ROSTER, SourceKind.ACCESSES} < set(kinds)
    assert settings.operator.demonstration
    assert settings.operator.web_listen == "127.0.0.1:20002"
    assert all(c.lateness_s <= 30 for c in settings.controllers.values())


def test_it_is_written_once(tmp_path):
    """What a visitor edited stays."""
    write(tmp_path)
    edited = tmp_path / "quivive.toml"
    edited.write_text("# mine\n")
    write(tmp_path)
    assert edited.read_text() == "# mine\n"


def test_links_read_key_columns_only():
    """The account of links sync is granted keys, alternates and ways to a person, never a name or a bank number."""
    columns = {column for tables in LINK_COLUMNS.values() for names in tables.values() for column in names}
    assert columns.isdisjoint({"last_name", "first_name", "iban", "birth_date", "address", "line"})
    assert LINK_COLUMNS["mercato"]["orders"] == ("id", "order_number", "customer_id")


def test_ports_are_free_and_distinct():
    """Chosen ports lie below the range of outgoing connections."""
    ports = Ports.free()
    chosen = [ports.web, *ports.relays.values()]
    assert len(set(chosen)) == 4
    assert all(20_000 <= port < 32_000 for port in chosen)
