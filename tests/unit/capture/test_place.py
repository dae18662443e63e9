"""Zones and programs: declared names or nothing, never an address or a free text."""

import pytest

from quivive.capture.place import Programs, Zones, read_place, workstation_key
from quivive.privacy.pseudonym import ControllerKeys
from quivive.rows import FieldError, Row

KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
ZONES = Zones({"lille": ["10.1.0.0/16", "fd00:1::/32"], "lille-quality": ["10.1.7.0/24"]})
PROGRAMS = Programs(("crm-web", "batch*"))


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("10.1.2.3", "lille"),
        ("10.1.7.9", "lille-quality"),
        ("::ffff:10.1.2.3", "lille"),
        ("fd00:1::5%eth0", "lille"),
        ("192.0.2.1", "other"),
        ("", ""),
        ("not an address", ""),
    ],
)
def test_an_address_becomes_the_narrowest_declared_zone(address, zone):
    """IPv4, IPv4 in IPv6 and IPv6; outside all networks "other"; unreadable nothing."""
    assert ZONES.zone(address) == zone


def test_without_declared_zones_nothing_is_said():
    """No `[zones]` at all: "" and not "other"."""
    assert Zones({}).zone("10.1.2.3") == ""


@pytest.mark.parametrize(
    ("said", "program"), [("CRM-web", "crm-web"), ("batch-17", "batch"), ("psql", "other"), (" ", "")]
)
def test_a_program_is_told_by_its_declared_name(said, program):
    """Declared exactly or by its beginning; another is "other"; silence is nothing."""
    assert PROGRAMS.program(said) == program


def test_a_login_in_the_program_field_tells_nothing():
    """Where application_name names agents, an undeclared text is not even "other"."""
    assert PROGRAMS.program("c.martin", may_be_a_login=True) == ""


def test_a_row_tells_zone_workstation_and_program():
    """The address is gone, the workstation is a keyed pseudonym."""
    row = Row({"address": "10.1.2.3", "workstation": "PC-014", "program": "crm-web"})
    place = read_place(row, ZONES, PROGRAMS, KEYS, withheld=False)
    assert (place.zone, place.program) == ("lille", "crm-web")
    assert place.workstation == workstation_key(KEYS, " pc-014 ")


def test_a_withheld_agent_has_no_place():
    """Zone and workstation are dropped with the agent; the application is nobody."""
    row = Row({"address": "10.1.2.3", "workstation": "PC-014", "program": "psql"})
    place = read_place(row, ZONES, PROGRAMS, KEYS, withheld=True)
    assert (place.zone, place.workstation, place.program) == ("", "", "other")


def test_a_bad_address_is_refused_without_its_value():
    """The error names the field and a type."""
    with pytest.raises(FieldError) as caught:
        read_place(Row({"address": "10.1.2"}), ZONES, PROGRAMS, KEYS, withheld=False)
    assert "10.1.2" not in str(caught.value)
