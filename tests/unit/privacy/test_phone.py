"""E.164: the cache is bounded and the region counts."""

from quivive.privacy.phone import MAX_PHONES_CACHED, to_e164


def test_region_decides_national_numbers() -> None:
    """The same digits are another number in another country."""
    assert to_e164("0612345678", "FR") == "+33612345678"
    assert to_e164("0612345678", "MA") == "+212612345678"
    assert to_e164("0475123456", "BE") == "+32475123456"


def test_too_long_is_no_number() -> None:
    """A hostile text is not parsed."""
    assert to_e164("+33" + "6" * 300, "FR") is None


def test_cache_is_bounded() -> None:
    """Numbers are forgotten."""
    assert to_e164.cache_info().maxsize == MAX_PHONES_CACHED
