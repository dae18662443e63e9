"""Claims on subject keys: the same person by any way in, and no link where two persons stand on one row."""

import pytest

from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import ControllerKeys, alternate_key, neighbourhood, record_key
from quivive.privacy.subject import RECORD_KIND, SubjectKeyer, is_not_protected, links_to_person

KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(Alternate(column="phone", kind="phone"), Alternate(column="number", kind="customer_number")),
        ),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
        Table(name="public.pair", kind=TableKind.LINKED, key=("a", "b")),
    ),
    not_protected=("public.tariff",),
)
KEYER = SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR")


def test_a_record_has_the_relays_key():
    """Notation with or without schema, and table with key, reach the key of a row seen on the wire."""
    expected = record_key(KEYS, "public.customer", "2")
    for record in (KEYER.record("customer:2"), KEYER.record("public.customer:2"), KEYER.record_of("customer", ("2",))):
        assert record.key == expected
        assert record.table_kind is TableKind.PERSON
        assert record.neighbourhood == neighbourhood(KEYS, "public.customer", 2)


def test_composite_keys_agree_whichever_way_they_are_written():
    """`pair:1,x` and the array form are one record; it has no neighbourhood."""
    assert KEYER.record("pair:1,x") == KEYER.record_of("pair", ("1", "x"))
    assert KEYER.record("pair:1,x").neighbourhood == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [("customer", "record_notation"), ("unknown:1", "record_table_unknown"), ("pair:1", "record_key_parts")],
)
def test_a_bad_notation_says_which_rule(text, code):
    """The refusal carries a code, never the text."""
    with pytest.raises(RefusedError) as caught:
        KEYER.record(text)
    assert caught.value.code == code
    assert text not in str(caught.value)


def test_a_telephone_number_has_one_key_however_written():
    """National and international forms meet in E.164; what is no number has no key."""
    key = alternate_key(KEYS, "phone", "+33199000001")
    for text in ("01 99 00 00 01", "+33 1 99 00 00 01", "0033199000001"):
        identity = KEYER.identity("phone", text)
        assert identity is not None
        assert identity.key == key
    assert KEYER.identity("phone", "anonymous") is None


def test_kinds_are_those_of_the_catalogue_and_two_more():
    """Declared alternates, telephone and mail."""
    assert KEYER.kinds() == {"phone", "email", "customer_number"}


def test_other_keys_are_linked_to_the_one_person():
    """A ticket with a customer, an order and a number ties order and number to the customer, each once."""
    person, order = KEYER.record("customer:2"), KEYER.record("orders:17")
    phone = KEYER.identity("phone", "+33199000001")
    assert phone is not None
    links = links_to_person([person, order, person, order], [phone, phone])
    assert [(link.left, link.left_kind) for link in links] == [(order.key, RECORD_KIND), (phone.key, "phone")]
    assert {(link.right, link.right_table) for link in links} == {(person.key, "public.customer")}


def test_no_link_without_exactly_one_person():
    """Two customers on one ticket, or none: nobody can tell whose number it is. A household is no person."""
    phone = KEYER.identity("phone", "+33199000001")
    assert phone is not None
    one, two, house = (KEYER.record(text) for text in ("customer:1", "customer:2", "household:1"))
    assert links_to_person([one, two], [phone]) == ()
    assert links_to_person([house], [phone]) == ()
    assert links_to_person([one, house], []) == ()


def test_unprotected_tables_are_those_declared_so():
    """A declared table is never free, a tariff is, an unknown table is not."""
    assert is_not_protected(CATALOGUE, "tariff")
    assert is_not_protected(CATALOGUE, "public.tariff")
    assert not is_not_protected(CATALOGUE, "customer")
    assert not is_not_protected(CATALOGUE, "unknown")
