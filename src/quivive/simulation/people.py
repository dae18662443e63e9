"""Invented people: names, telephone numbers, addresses, bank numbers, always the same for one seed.

Called by `seeding.py` and `staff.py`. Pure. Must never produce what could belong to someone: numbers lie in
the ranges that ARCEP reserves for works of fiction, bank numbers have check digits that cannot be right,
mail domains end in `.invalid` (RFC 2606).
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np

FICTION_PREFIXES: Final = ("019900", "026191", "035301", "046571", "053649", "063998")
"""ARCEP decision 2018-0881, plan national de numérotation: numbers for audiovisual works, 10,000 behind each."""
MAX_PHONES: Final = len(FICTION_PREFIXES) * 10_000
"""Distinct fictitious numbers there are; a customer file here must be smaller."""
_STRIDE: Final = 7_919  # a prime that shares no factor with MAX_PHONES: neighbours get numbers far apart

_WORDS: Final[dict[str, list[str]]] = tomllib.loads((files("quivive.simulation") / "words.toml").read_text("utf-8"))
LAST_NAMES: Final = tuple(_WORDS["last_names"])
FIRST_NAMES: Final = tuple(_WORDS["first_names"])
STREETS: Final = tuple(_WORDS["streets"])
CITIES: Final = (
    ("59800", "Lille"),
    ("37000", "Tours"),
    ("44000", "Nantes"),
    ("35000", "Rennes"),
    ("67000", "Strasbourg"),
    ("31000", "Toulouse"),
    ("13008", "Marseille"),
    ("69003", "Lyon"),
    ("76000", "Rouen"),
    ("21000", "Dijon"),
    ("63000", "Clermont-Ferrand"),
    ("29200", "Brest"),
)


def phone_offset(seed: int) -> int:
    """Return the number of the first person's telephone in a file invented from `seed`."""
    return seed * 1_009 % MAX_PHONES


def fiction_phone(number: int) -> str:
    """Return the n-th fictitious number in E.164; distinct for n below MAX_PHONES, neighbours far apart."""
    shuffled = number * _STRIDE % MAX_PHONES
    prefix, rest = divmod(shuffled, 10_000)
    return f"+33{FICTION_PREFIXES[prefix][1:]}{rest:04d}"


def national_phone(number: int) -> str:
    """Return the same number as people write it in France: `06 39 98 12 34`."""
    digits = "0" + fiction_phone(number)[3:]
    return " ".join(digits[i : i + 2] for i in range(0, 10, 2))


def wrong_iban(number: int) -> str:
    """Return a French IBAN whose check digits are `00`, which ISO 13616 can never give (02 to 98)."""
    return f"FR0099999{number % 100_000:05d}{number * 104_729 % 100_000_000_000:011d}99"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Columns of invented people, one item a person; index 0 is the person with id 1."""

    last_names: list[str]
    first_names: list[str]
    phones: list[str]
    emails: list[str]
    ibans: list[str]
    addresses: list[str]
    postal_codes: list[str]
    cities: list[str]
    births: list[str]


def invent(count: int, seed: int, *, national: bool = False, reserved: int = 0) -> People:
    """Invent `count` people. The first `reserved` have names from D on, so that no demonstration search meets them."""
    chance = np.random.default_rng(seed)
    last = chance.integers(0, len(LAST_NAMES), count)
    late = next(i for i, name in enumerate(LAST_NAMES) if name >= "D")
    last[:reserved] = late + last[:reserved] % (len(LAST_NAMES) - late)
    first = chance.integers(0, len(FIRST_NAMES), count)
    street = chance.integers(0, len(STREETS), count).tolist()
    house = chance.integers(1, 180, count).tolist()
    city = chance.integers(0, len(CITIES), count).tolist()
    days = chance.integers(0, 21_000, count)
    births = np.datetime_as_string(np.datetime64("1946-01-01") + days.astype("timedelta64[D]"), unit="D").tolist()
    phone = national_phone if national else fiction_phone
    offset = phone_offset(seed)
    return People(
        last_names=[LAST_NAMES[i] for i in last.tolist()],
        first_names=[FIRST_NAMES[i] for i in first.tolist()],
        phones=[phone((offset + i) % MAX_PHONES) for i in range(count)],
        emails=[f"client{i + 1}@courriel.invalid" for i in range(count)],
        ibans=[wrong_iban(seed * 1_000_003 + i) for i in range(count)],
        addresses=[f"{n} {STREETS[s]}" for n, s in zip(house, street, strict=True)],
        postal_codes=[CITIES[i][0] for i in city],
        cities=[CITIES[i][1] for i in city],
        births=births,
    )
