"""The companies of the demonstration: their tables, their seeded rows, their catalogue.

Called by `seeding.py` (rows) and `configuration.py` (catalogue). Pure. Must stay deterministic: the same
seed gives the same rows, so that a guided story and a test can name a customer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Final

import numpy as np

from quivive.simulation.people import People, invent

RESERVED: Final = 50
"""Customers 1..50 of each company are left alone by simulated agents: whoever tries the product sees only himself."""
ORDERS_PER_CUSTOMER: Final = 1.25
CALLED_EVERY: Final = 3
"""Customers whose id is a multiple of it are members of the insurer's campaign."""
_AFTER_LOAD: Final = "-- after the load"

Column = Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTable:
    """Rows of one table, by column."""

    name: str
    columns: tuple[str, ...]
    values: tuple[Column, ...]

    def copy_text(self) -> bytes:
        """Rows in PostgreSQL's COPY text format; no seeded value holds a tab, a backslash or a line feed."""
        texts = [[str(v) for v in column] for column in self.values]
        return "".join("\t".join(row) + "\n" for row in zip(*texts, strict=True)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One controller behind a relay. `customers` rows in its table customer; `rows()` invents all tables."""

    id: str
    name: str
    slot: int
    customers: int
    rows: Callable[[int], list[SeedTable]]

    @property
    def ddl(self) -> tuple[str, str]:
        """Statements before and after the load."""
        text = (files("quivive.simulation") / "sql" / f"{self.id}.sql").read_text(encoding="utf-8")
        before, _, after = text.partition(_AFTER_LOAD)
        return before, after


def _numbers(letters: str, count: int, width: int = 6) -> list[str]:
    return [f"{letters}{i:0{width}d}" for i in range(1, count + 1)]


def _dates(chance: np.random.Generator, count: int, first: str, days: int) -> list[str]:
    offsets = chance.integers(0, days, count).astype("timedelta64[D]")
    return list(np.datetime_as_string(np.datetime64(first) + offsets, unit="D").tolist())


def _money(chance: np.random.Generator, count: int, low: float, high: float) -> list[float]:
    return list(np.round(chance.uniform(low, high, count), 2).tolist())


def _owners(chance: np.random.Generator, rows: int, owners: int) -> list[int]:
    """Each owner has one row, in order; the further rows belong to owners beyond the reserved ones."""
    more = chance.integers(RESERVED + 1, owners + 1, rows - owners)
    return [*range(1, owners + 1), *more.tolist()]


def _households(customers: int) -> tuple[int, list[int]]:
    """Three customers in two households: reserved ones among themselves."""
    homes = [1 + i * 2 // 3 for i in range(customers)]
    first_free = 1 + homes[RESERVED - 1]
    homes[RESERVED:] = [max(home, first_free) for home in homes[RESERVED:]]
    return homes[-1], homes


def relative_of(customer: int) -> int:
    """The other customer of a household of two (Aurore, Mercato; not among the reserved); 0 for who lives alone."""
    return {1: customer + 1, 2: customer - 1}.get(customer % 3, 0)


def aurore_rows(customers: int, seed: int) -> list[SeedTable]:
    """Energy supplier: one contract, meter and two invoices a customer, some a second contract."""
    people, chance = invent(customers, seed, national=True, reserved=RESERVED), np.random.default_rng(seed + 1)
    homes, home_of = _households(customers)
    ids = range(1, customers + 1)
    contracts = customers + customers // 12
    owner = _owners(chance, contracts, customers)
    invoices = contracts * 2
    contract_of = [1 + i % contracts for i in range(invoices)]
    offers = ("BLEU", "VERT", "SOIR")
    return [
        SeedTable(
            name="offer",
            columns=("code", "label", "price_kwh"),
            values=(offers, ("Offre bleue", "Offre verte", "Offre du soir"), (0.2016, 0.2121, 0.1812)),
        ),
        SeedTable(
            name="household",
            columns=("id", "label", "postal_code", "city"),
            values=(range(1, homes + 1), _numbers("FOY-", homes), *_places(homes, home_of, people)),
        ),
        SeedTable(
            name="customer",
            columns=(
                *("id", "last_name", "first_name", "household_id", "customer_number", "birth_date", "phone"),
                *("email", "iban", "address", "postal_code", "city"),
            ),
            values=(
                *(ids, people.last_names, people.first_names, home_of, _numbers("AE", customers), people.births),
                *(people.phones, people.emails, people.ibans, people.addresses, people.postal_codes, people.cities),
            ),
        ),
        SeedTable(
            name="contract",
            columns=("id", "contract_number", "customer_id", "offer_code", "power_kva", "started_on"),
            values=(
                *(range(1, contracts + 1), _numbers("CT-", contracts), owner),
                [offers[i] for i in chance.integers(0, len(offers), contracts).tolist()],
                chance.choice([6, 9, 12], contracts).tolist(),
                _dates(chance, contracts, "2018-01-01", 2_500),
            ),
        ),
        SeedTable(
            name="meter",
            columns=("id", "meter_number", "contract_id", "last_index_kwh"),
            values=(
                *(range(1, contracts + 1), _numbers("PDL", contracts, 11), range(1, contracts + 1)),
                chance.integers(1_000, 90_000, contracts).tolist(),
            ),
        ),
        SeedTable(
            name="invoice",
            columns=("id", "invoice_number", "customer_id", "contract_id", "amount", "issued_on", "paid"),
            values=(
                *(range(1, invoices + 1), _numbers("FA-", invoices), [owner[c - 1] for c in contract_of], contract_of),
                _money(chance, invoices, 18, 340),
                _dates(chance, invoices, "2026-01-01", 300),
                ["t" if x else "f" for x in (chance.random(invoices) < 0.9).tolist()],
            ),
        ),
    ]


def _places(homes: int, home_of: list[int], people: People) -> tuple[list[str], list[str]]:
    codes, cities = ["59000"] * homes, ["Lille"] * homes
    for index, home in enumerate(home_of):
        codes[home - 1], cities[home - 1] = people.postal_codes[index], people.cities[index]
    return codes, cities


def mercato_rows(customers: int, seed: int) -> list[SeedTable]:
    """Web shop: order n ≤ RESERVED belongs to customer n; an address each; a parcel and an invoice an order."""
    people, chance = invent(customers, seed, reserved=RESERVED), np.random.default_rng(seed + 1)
    homes, home_of = _households(customers)
    ids = range(1, customers + 1)
    orders = int(customers * ORDERS_PER_CUSTOMER)
    owner = _owners(chance, orders, customers)
    order_ids = range(1, orders + 1)
    second = [i for i in order_ids if i % 2]
    products = 200
    statuses = ("préparée", "expédiée", "livrée", "retournée")
    prices = _money(chance, products, 4, 190)
    placed = [f"{day} 10:00+00" for day in _dates(chance, orders, "2026-06-01", 170)]
    totals = _money(chance, orders, 8, 420)
    lines = [*order_ids, *second]
    return [
        SeedTable(
            name="product",
            columns=("id", "label", "price"),
            values=(range(1, products + 1), _numbers("Article ", products, 3), prices),
        ),
        SeedTable(name="household", columns=("id", "label"), values=(range(1, homes + 1), _numbers("FOY-", homes))),
        SeedTable(
            name="customer",
            columns=(
                *("id", "last_name", "first_name", "household_id", "customer_number", "phone", "email", "birth_date"),
            ),
            values=(
                *(ids, people.last_names, people.first_names, home_of, _numbers("MC", customers), people.phones),
                *(people.emails, people.births),
            ),
        ),
        SeedTable(
            name="address",
            columns=("id", "customer_id", "line", "postal_code", "city"),
            values=(ids, ids, people.addresses, people.postal_codes, people.cities),
        ),
        SeedTable(
            name="orders",
            columns=("id", "order_number", "customer_id", "placed_at", "status", "total"),
            values=(
                *(order_ids, _numbers("CMD-", orders), owner, placed),
                [statuses[i] for i in chance.integers(0, len(statuses), orders).tolist()],
                totals,
            ),
        ),
        SeedTable(
            name="order_line",
            columns=("order_id", "line_no", "product_id", "quantity"),
            values=(
                *(lines, [1] * orders + [2] * len(second)),
                chance.integers(1, products + 1, len(lines)).tolist(),
                chance.integers(1, 4, len(lines)).tolist(),
            ),
        ),
        SeedTable(
            name="invoice",
            columns=("id", "invoice_number", "order_id", "amount"),
            values=(order_ids, _numbers("FM-", orders), order_ids, totals),
        ),
        SeedTable(
            name="parcel",
            columns=("id", "tracking_number", "order_id", "carrier", "status"),
            values=(
                *(order_ids, _numbers("XP", orders, 9), order_ids),
                ["Transporteur fictif"] * orders,
                ["en cours"] * orders,
            ),
        ),
    ]


def sereni_rows(customers: int, seed: int) -> list[SeedTable]:
    """Insurer: a policy each, a claim for one in four, a renewal campaign over a third."""
    people, chance = invent(customers, seed, national=True, reserved=RESERVED), np.random.default_rng(seed + 1)
    ids = range(1, customers + 1)
    policies = customers + customers // 4
    owner = _owners(chance, policies, customers)
    claims = customers // 4
    products = ("Habitation", "Auto", "Santé")
    called = [customer for customer in ids if customer > RESERVED and customer % CALLED_EVERY == 0]
    members = len(called)
    return [
        SeedTable(
            name="campaign",
            columns=("code", "label"),
            values=(("RENOUV", "CONFORT"), ("Renouvellement", "Option confort")),
        ),
        SeedTable(
            name="customer",
            columns=(
                *("id", "last_name", "first_name", "customer_number", "birth_date", "phone", "email", "iban"),
                *("address", "postal_code", "city"),
            ),
            values=(
                *(ids, people.last_names, people.first_names, _numbers("SE", customers), people.births, people.phones),
                *(people.emails, people.ibans, people.addresses, people.postal_codes, people.cities),
            ),
        ),
        SeedTable(
            name="policy",
            columns=("id", "policy_number", "customer_id", "product", "premium", "renewed_on"),
            values=(
                *(range(1, policies + 1), _numbers("PO-", policies), owner),
                [products[i] for i in chance.integers(0, len(products), policies).tolist()],
                _money(chance, policies, 90, 1_900),
                _dates(chance, policies, "2025-11-01", 360),
            ),
        ),
        SeedTable(
            name="claim",
            columns=("id", "claim_number", "policy_id", "opened_on", "reserve", "closed"),
            values=(
                *(range(1, claims + 1), _numbers("SI-", claims)),
                (RESERVED + 1 + chance.permutation(policies - RESERVED)[:claims]).tolist(),
                _dates(chance, claims, "2024-01-01", 1_000),
                _money(chance, claims, 100, 9_000),
                ["t" if x else "f" for x in (chance.random(claims) < 0.7).tolist()],
            ),
        ),
        SeedTable(
            name="campaign_member",
            columns=("id", "campaign_code", "customer_id", "status"),
            values=(range(1, members + 1), ["RENOUV"] * members, called, ["à appeler"] * members),
        ),
    ]


def companies(scale: float = 1.0) -> tuple[Company, ...]:
    """The three controllers behind relays; 54,000 customers at scale 1."""
    # the web shop is the smaller one, because all its links are read at the first start
    sizes = {"aurore": 35_000, "mercato": 8_000, "sereni": 11_000}
    counts = {name: max(4 * RESERVED, int(size * scale)) for name, size in sizes.items()}
    return (
        Company(
            id="aurore",
            name="Aurore Énergie",
            slot=1,
            customers=counts["aurore"],
            rows=partial(aurore_rows, counts["aurore"]),
        ),
        Company(
            id="mercato",
            name="Mercato",
            slot=2,
            customers=counts["mercato"],
            rows=partial(mercato_rows, counts["mercato"]),
        ),
        Company(
            id="sereni",
            name="Séréni Assurances",
            slot=3,
            customers=counts["sereni"],
            rows=partial(sereni_rows, counts["sereni"]),
        ),
    )
