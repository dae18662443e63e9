"""Claims about quivive.settings: strict, and one error that names the place."""

from pathlib import Path

import pytest

from quivive.addresses import parse_address
from quivive.model.errors import ConfigurationError
from quivive.settings import load_settings

MAIN = """
[operator]
name = "Centre"
origin = "example.test/centre"
[sources.shop-db]
kind = "postgres"
controller = "shop"
namespace = "crm"
listen = "127.0.0.1:6432"
target = "unix:/tmp/.s.PGSQL.5432"
[sources.telephony]
kind = "contacts"
namespace = "telephony"
"""
SHOP = """
name = "Shop"
slot = 1
contact_sources = ["telephony"]
[[tables]]
name = "public.customer"
kind = "person"
key = ["id"]
alternates = [{ column = "phone", kind = "phone" }]
[[tables]]
name = "public.orders"
kind = "linked"
key = ["id"]
path = { column = "customer_id", to = "public.customer" }
"""


def home(tmp_path: Path, main: str = MAIN, shop: str = SHOP) -> Path:
    (tmp_path / "controllers").mkdir()
    (tmp_path / "quivive.toml").write_text(main)
    (tmp_path / "controllers" / "shop.toml").write_text(shop)
    return tmp_path


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    """A correct folder gives catalogue, slots and sources."""
    settings = load_settings(home(tmp_path))
    assert settings.slots == {"operator": 0, "shop": 1}
    table = settings.controllers["shop"].catalogue.table("public.orders")
    assert table is not None
    assert table.path is not None
    assert table.path.to == "public.customer"
    assert settings.sources["shop-db"].grade == "A"


@pytest.mark.parametrize(
    ("main", "shop", "file", "key", "expected", "found"),
    [
        (
            MAIN.replace('namespace = "crm"', "namespace = 7"),
            SHOP,
            "quivive.toml",
            "sources.shop-db.namespace",
            "str",
            "int",
        ),
        (MAIN.replace("listen =", "lissen ="), SHOP, "quivive.toml", "sources.shop-db", "a known key", "lissen"),
        (MAIN.replace('name = "Centre"', ""), SHOP, "quivive.toml", "operator.name", "a value", "nothing"),
        (
            MAIN.replace("127.0.0.1:6432", "6432"),
            SHOP,
            "quivive.toml",
            "sources.shop-db.listen",
            "host:port or unix:/path",
            "6432",
        ),
        (
            MAIN.replace('controller = "shop"', 'controller = "shap"'),
            SHOP,
            "quivive.toml",
            "sources.shop-db.controller",
            "one of shop",
            "shap",
        ),
        (
            MAIN.replace('"postgres"', '"oracle"'),
            SHOP,
            "quivive.toml",
            "sources.shop-db.kind",
            "an allowed value",
            "Invalid enum value 'oracle'",
        ),
        (MAIN, SHOP.replace("slot = 1", "slot = 0"), "controllers/shop.toml", "slot", "1 to 1023", "0"),
        (
            MAIN,
            SHOP.replace('to = "public.customer"', 'to = "public.client"'),
            "controllers/shop.toml",
            "tables.public.orders.path.to",
            "a declared table",
            "public.client",
        ),
        (
            MAIN,
            SHOP.replace("slot = 1", 'slot = 1\ntimezone = "Europe/Pariss"'),
            "controllers/shop.toml",
            "timezone",
            "a time zone, for example Europe/Paris",
            "Europe/Pariss",
        ),
        (
            MAIN,
            SHOP.replace("slot = 1", 'slot = 1\ndefault_region = "France"'),
            "controllers/shop.toml",
            "default_region",
            "a country code, for example FR",
            "France",
        ),
        (
            MAIN,
            SHOP.replace("slot = 1", "slot = 1\nlateness_s = -1"),
            "controllers/shop.toml",
            "lateness_s",
            "0 or more seconds",
            "-1",
        ),
        (
            MAIN,
            SHOP + "[retention]\ntrace_days = 500\n",
            "controllers/shop.toml",
            "retention.justification",
            "at least 40 characters when trace_days is above 365",
            "0 characters",
        ),
        (
            MAIN,
            SHOP + "[retention]\ntrace_days = 90\n",
            "controllers/shop.toml",
            "retention.trace_days",
            "180 to 1095 days: CNIL 2021-122: 6 to 12 months, to 3 years when justified",
            "90",
        ),
        (
            MAIN,
            SHOP.replace("telephony", "pbx"),
            "controllers/shop.toml",
            "contact_sources",
            "a source of quivive.toml",
            "pbx",
        ),
    ],
)
def test_a_bad_key_is_named(
    tmp_path: Path, main: str, shop: str, file: str, key: str, expected: str, found: str
) -> None:
    """Each wrong value is one error with file, key, expected and found."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home(tmp_path, main, shop))
    error = caught.value
    assert (error.file, error.key, error.expected, error.found) == (file, key, expected, found)


@pytest.mark.parametrize(
    ("name", "line", "key"),
    [
        ("db-w2", "", "sources.db-w2"),
        ("db", "workers = 17", "sources.db.workers"),
        ("db", "workers = 0", "sources.db.workers"),
        ("db", 'workers = 2\nlisten = "unix:/run/quivive/db"', "sources.db.workers"),
    ],
)
def test_workers_share_a_tcp_port(tmp_path: Path, name: str, line: str, key: str) -> None:
    """At most 16, on a TCP port alone; no source takes the name of a worker's spool."""
    listen = "" if "listen" in line else 'listen = "127.0.0.1:6432"'
    source = f'[sources.{name}]\nkind = "postgres"\ncontroller = "shop"\nnamespace = "crm"\ntarget = "127.0.0.1:5432"\n'
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home(tmp_path, MAIN + f"\n{source}{listen}\n{line}\n", SHOP))
    assert caught.value.key == key


def test_broken_toml_and_missing_file_are_told(tmp_path: Path) -> None:
    """A missing or broken file is named, not a traceback."""
    with pytest.raises(ConfigurationError, match=r"quivive\.toml"):
        load_settings(tmp_path)
    with pytest.raises(ConfigurationError, match="TOML in UTF-8"):
        load_settings(home(tmp_path, "[operator"))


@pytest.mark.parametrize(
    "dsn", ["postgresql://side:hunter2@db/shop", "postgresql://side@db/shop?password=hunter2", "postgresql://[db/shop"]
)
def test_a_password_in_a_dsn_is_refused_and_not_repeated(tmp_path: Path, dsn: str) -> None:
    """A configuration file holds no secret; neither does the sentence that says so."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home(tmp_path, MAIN.replace("listen =", f'side_dsn = "{dsn}"\nlisten =')))
    assert caught.value.key == "sources.shop-db.side_dsn"
    assert "hunter2" not in str(caught.value)


def test_the_console_leaves_loopback_under_tls_alone(tmp_path: Path) -> None:
    """Beyond loopback a TLS address is required; it is what links and cookies follow."""
    origin = 'origin = "example.test/centre"'
    listening = MAIN.replace(origin, f'{origin}\nweb_listen = "0.0.0.0:8443"')
    folder = home(tmp_path, listening)
    with pytest.raises(ConfigurationError, match=r"operator\.public_url"):
        load_settings(folder)
    for wrong in ("http://qv.example", "https://qv.example/path"):
        (folder / "quivive.toml").write_text(listening.replace(origin, f'{origin}\npublic_url = "{wrong}"'))
        with pytest.raises(ConfigurationError, match=r"operator\.public_url"):
            load_settings(folder)
    (folder / "quivive.toml").write_text(listening.replace(origin, f'{origin}\npublic_url = "https://qv.example"'))
    assert load_settings(folder).operator.console_url == "https://qv.example"
    (folder / "quivive.toml").write_text(MAIN)
    assert load_settings(folder).operator.console_url == "http://127.0.0.1:8443"


SECOND = """
[sources.shop-audit]
kind = "files"
controller = "shop"
namespace = "crm"
path = "server.csv"
mapping = "audit.yml"
reconcile_with = "shop-db"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reconcile_with = "shop-db"', 'reconcile_with = "telephony"'),
        ('reconcile_with = "shop-db"', 'reconcile_with = "nowhere"'),
        ('namespace = "crm"\npath', 'namespace = "erp"\npath'),
        ('kind = "files"', 'kind = "contacts"'),
    ],
)
def test_a_second_source_knows_its_relay(tmp_path: Path, old: str, new: str) -> None:
    """`reconcile_with` names a relay of the same logins; anything else would compare strangers."""
    (tmp_path / "good").mkdir()
    settings = load_settings(home(tmp_path / "good", MAIN + SECOND))
    assert settings.sources["shop-audit"].reconcile_with == "shop-db"
    (tmp_path / "bad").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home(tmp_path / "bad", MAIN + SECOND.replace(old, new)))
    assert caught.value.key == "sources.shop-audit.reconcile_with"


def test_addresses() -> None:
    """host:port, IPv6 in brackets and Unix sockets are the only forms."""
    assert parse_address("127.0.0.1:5432", "k") == ("127.0.0.1", 5432)
    assert parse_address("[::1]:5432", "k") == ("::1", 5432)
    assert parse_address("unix:/run/pg/.s.PGSQL.5432", "k") == "/run/pg/.s.PGSQL.5432"
    with pytest.raises(ConfigurationError):
        parse_address("host:99999", "k")


def test_zones_programs_and_sensitive_columns_are_read(tmp_path: Path) -> None:
    """Networks by name, applications by name, columns with their schema."""
    zones = '[zones.lille]\ncidrs = ["10.1.0.0/16"]\nsite = "lille"\ncountry = "FR"\n'
    main = MAIN.replace('namespace = "crm"', 'namespace = "crm"\nprograms = ["crm-web", "batch*"]') + zones
    shop = SHOP + '[[sensitive]]\nname = "bank"\ncolumns = ["customer.iban", "public.customer.bic"]\n'
    settings = load_settings(home(tmp_path, main, shop))
    assert (settings.zones["lille"].cidrs, settings.zones["lille"].site) == (("10.1.0.0/16",), "lille")
    assert settings.sources["shop-db"].programs == ("crm-web", "batch*")
    assert settings.controllers["shop"].sensitive == {"bank": ("public.customer.iban", "public.customer.bic")}


@pytest.mark.parametrize(
    ("main", "shop", "key"),
    [
        (MAIN + '[zones.other]\ncidrs = ["10.0.0.0/8"]\n', SHOP, "zones.other"),
        (MAIN + '[zones.lille]\ncidrs = ["10.0.0.0/40"]\n', SHOP, "zones.lille.cidrs"),
        (MAIN + '[zones.lille]\ncidrs = []\ncountry = "France"\n', SHOP, "zones.lille.country"),
        (MAIN.replace('namespace = "crm"', 'namespace = "crm"\nprograms = ["*"]'), SHOP, "sources.shop-db.programs"),
        (MAIN, SHOP + '[[sensitive]]\nname = "bank"\ncolumns = ["card.number"]\n', "sensitive.bank.columns"),
        (MAIN, SHOP + '[[sensitive]]\nname = "B"\ncolumns = []\n', "sensitive.name"),
    ],
)
def test_a_bad_zone_program_or_column_is_named(tmp_path: Path, main: str, shop: str, key: str) -> None:
    """Reserved name, no network, no country code, a bare star, an undeclared table, no group name."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home(tmp_path, main, shop))
    assert caught.value.key == key
