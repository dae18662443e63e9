"""Claims on invented people: nobody real, always the same."""

import re

from quivive.simulation.people import FICTION_PREFIXES, MAX_PHONES, fiction_phone, invent, national_phone, wrong_iban


def test_phones_lie_in_the_ranges_reserved_for_fiction():
    """Every number, in both forms, begins with one of ARCEP's six ranges and is distinct."""
    numbers = [fiction_phone(n) for n in range(MAX_PHONES)]
    assert len(set(numbers)) == MAX_PHONES
    assert all(re.fullmatch(r"\+33\d{9}", n) for n in numbers)
    assert {"0" + n[3:8] for n in numbers} == set(FICTION_PREFIXES)
    assert national_phone(5).replace(" ", "") == "0" + fiction_phone(5)[3:]


def test_bank_numbers_cannot_be_right():
    """Check digits 00 never occur in an IBAN (ISO 13616 gives 02 to 98): no account can have this number."""
    for n in (0, 1, 99_999, 123_456_789):
        iban = wrong_iban(n)
        assert re.fullmatch(r"FR00\d{23}", iban)


def test_the_same_seed_gives_the_same_people():
    """Deterministic, different by seed, and the reserved ones have names from D on."""
    assert invent(500, 7) == invent(500, 7)
    assert invent(500, 7).last_names != invent(500, 8).last_names
    people = invent(300, 7, reserved=50)
    assert min(people.last_names[:50]) >= "D"
    assert min(people.last_names) < "D"
    assert len({len(column) for column in (people.phones, people.emails, people.births, people.cities)}) == 1
    assert all(address.endswith(".invalid") for address in people.emails)
