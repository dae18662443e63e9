"""The trap list of raw numbers (contact-centre reference §2): what each turns out to be, region FR."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.privacy.phone import Phone, PhoneState, read_phone, to_e164

MOBILE = "+33612345678"
VALID = {
    "sip:+33612345678@pbx.example": MOBILE,
    "sips:0612345678@pbx.example": MOBILE,
    "<sip:+33612345678@pbx.example;user=phone>": MOBILE,
    '"Accueil" <sip:0612345678@pbx.example>': MOBILE,
    "tel:+33-6-12-34-56-78;ext=12": MOBILE,
    "06 12 34 56 78 poste 12": MOBILE,
    "06 12 34 56 78 ext. 12": MOBILE,
    "0612345678#12": MOBILE,
    "612345678": MOBILE,
    "33612345678": MOBILE,
    "0033612345678": MOBILE,
    "+330612345678": MOBILE,
    "+33 (0)6 12 34 56 78": MOBILE,
    "06.12.34.56.78": MOBILE,
    "612345678.0": MOBILE,
    "33612345678.0": MOBILE,
    "212612345678": "+212612345678",
    "00212612345678": "+212612345678",
    "0693123456": "+262693123456",
    "+33693123456": "+262693123456",
    "33693123456": "+262693123456",
    "0033693123456": "+262693123456",
    "262693123456": "+262693123456",
    "0590271234": "+590590271234",
    "0696123456": "+596696123456",
    "0694123456": "+594694123456",
    "0199000001": "+33199000001",
}
OTHERS = {
    PhoneState.SHORT_CODE: ["3949", "1001", "36 31", "15", "112", "118218", "4105"],
    PhoneState.ANONYMOUS: [
        "",
        "anonymous",
        "Anonyme",
        "withheld",
        "unknown",
        "Restricted",
        "private",
        "unavailable",
        "Numéro masqué",
        "sip:anonymous@anonymous.invalid",
        "anonymous@anonymous.invalid",
        "266696687",
    ],
    PhoneState.UNRESOLVED: [
        "+33212612345678",
        "0000000000",
        "+266696687",
        "6,12E+08",
        "0612345678;0712345678",
        "06 12 34 56 78 / 07 12 34 56 78",
        "+",
        "061234567",
        "bonjour",
    ],
}


@pytest.mark.parametrize(("raw", "e164"), VALID.items())
def test_every_way_of_writing_a_number_is_one_number(raw, e164):
    """A screen, a call and a ticket write it differently and must meet."""
    assert read_phone(raw, "FR") == Phone(PhoneState.VALID, e164)


@pytest.mark.parametrize(("state", "raw"), [(state, raw) for state, raws in OTHERS.items() for raw in raws])
def test_what_is_no_number_is_never_compared(state, raw):
    """An unvalidated number would join two strangers."""
    assert read_phone(raw, "FR") == Phone(state)
    assert to_e164(raw, "FR") is None


@given(st.text(max_size=80))
def test_any_text_has_a_state(raw):
    """Nothing raises, and only a valid number has a form to compare."""
    found = read_phone(raw, "FR")
    assert (found.state is PhoneState.VALID) == bool(found.e164)
