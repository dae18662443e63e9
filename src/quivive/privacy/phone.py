"""Phone numbers to E.164, the form in which a row, a call and a ticket are compared.

Called by `privacy.canonical` (rows) and contacts (calls). Pure. Must never return an unvalidated number: what is not
valid in its region, in the overseas regions behind it, or as an international number stays unresolved (None)
(contact-centre reference §2: `0693…` parses as +33 and is valid in RE only; `3949` parses and is invalid).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberFormat

MAX_PHONES_CACHED: Final = 16_384
"""Raw forms kept with their E.164 (about 4 MiB); parsing costs 38 µs, a hit 0.1 µs."""
MAX_PHONE_LENGTH: Final = 64
"""Characters of a raw number; phonenumbers refuses above 250, no telephone writes more than this."""
_OVERSEAS: Final[dict[str, tuple[str, ...]]] = {"FR": ("RE", "GP", "MQ", "GF", "YT")}
_FRENCH_DIGITS: Final = 9  # significant digits of a French number (ARCEP numbering plan)
_FICTION: Final = re.compile(r"\+33(?:19900|26191|35301|46571|53649|63998)\d{4}")
"""Numbers ARCEP keeps for works of fiction: demonstration files use them, libphonenumber calls some invalid."""
_SIP: Final = ("sip:", "sips:", "tel:")
_IN_BRACKETS: Final = re.compile(r"<([^<>]+)>")
_SPREADSHEET: Final = re.compile(r"(\d{6,15})\.0+", re.ASCII)
"""A number that a spreadsheet took for a quantity."""
_SECOND: Final = re.compile(r"[;,/|]\s*\+?\d[\d .\-]{5,}", re.ASCII)
"""Another number in the same cell: nobody can tell whose call it was."""
MAX_SHORT_DIGITS: Final = 6
"""3949, 1001, 118218, an extension: real numbers of a country have more."""
_ANONYMOUS: Final = frozenset(
    {
        "anonymous",
        "anonyme",
        "withheld",
        "unknown",
        "inconnu",
        "restricted",
        "private",
        "prive",
        "privé",
        "masqué",
        "masque",
        "numéro masqué",
        "numero masque",
        "appel masqué",
        "unavailable",
        "blocked",
        "non disponible",
        "not available",
        "266696687",  # "anonymous" typed on a telephone's keys, as some exchanges send it
        "anonymous.invalid",
    }
)


class PhoneState(StrEnum):
    """What a raw number turned out to be. Only VALID ones are ever compared."""

    VALID = "valid"
    UNRESOLVED = "unresolved"
    SHORT_CODE = "short_code"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Phone:
    """A raw number read: `e164` is "" unless the state is VALID."""

    state: PhoneState
    e164: str = ""


def read_phone(raw: str, default_region: str) -> Phone:
    """Tell what a raw number is; the quality figure of a feed counts these states."""
    found = to_e164(raw, default_region)
    if found is not None:
        return Phone(PhoneState.VALID, found)
    text = _bare(raw)
    if not text or text.casefold() in _ANONYMOUS:
        return Phone(PhoneState.ANONYMOUS)
    digits = sum(letter.isdigit() for letter in text)
    plain = not any(letter.isalpha() or letter == "+" for letter in text)
    return Phone(PhoneState.SHORT_CODE if plain and 0 < digits <= MAX_SHORT_DIGITS else PhoneState.UNRESOLVED)


@lru_cache(maxsize=MAX_PHONES_CACHED)
def to_e164(raw: str, default_region: str) -> str | None:
    """E.164 of a raw number dialled or written in `default_region` (`FR`); None when it is no valid number."""
    text = _bare(raw)
    if not text or len(text) > MAX_PHONE_LENGTH or text.casefold() in _ANONYMOUS:
        return None
    for region in (default_region, *_OVERSEAS.get(default_region, ())):
        found = _valid(text, region)
        if found is not None:
            return found
    if not text.startswith(("+", "0")) and (found := _valid("+" + text, default_region)) is not None:
        return found
    return _overseas_as_metropolitan(text)


def _overseas_as_metropolitan(text: str) -> str | None:
    """`+33 693…` is how many systems store `0693…` of La Réunion: read the national number again overseas."""
    digits = "".join(letter for letter in text if letter.isdigit())
    national = next((digits.removeprefix(prefix) for prefix in ("0033", "33") if digits.startswith(prefix)), "")
    if len(national.lstrip("0")) != _FRENCH_DIGITS:
        return None
    for region in _OVERSEAS["FR"]:
        found = _valid("0" + national.lstrip("0"), region)
        if found is not None:
            return found
    return None


def _bare(raw: str) -> str:
    """Strip `sip:…@host`, `tel:` and parameters; drop an extension (`poste 12`, `ext. 12`), which is no identity."""
    text = raw.strip()
    if (inside := _IN_BRACKETS.search(text)) is not None:
        text = inside[1].strip()
    if _SECOND.search(text):
        return "?"
    if (quantity := _SPREADSHEET.fullmatch(text)) is not None:
        text = quantity[1]
    lowered = text.lower()
    for scheme in _SIP:
        if lowered.startswith(scheme):
            text = text[len(scheme) :]
            lowered = lowered[len(scheme) :]
    text = text.split("@", 1)[0].split(";", 1)[0]
    for word in ("poste", "ext", "#"):
        at = text.lower().find(word)
        if at > 0:
            text = text[:at]
    return text.strip()


def _valid(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    e164: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return e164 if phonenumbers.is_valid_number(number) or _FICTION.fullmatch(e164) else None
