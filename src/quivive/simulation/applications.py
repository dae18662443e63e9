"""The customer applications of the three companies: their statements, each behind a small pool.

Called by the agents of `centre.py` and `misbehaviour.py`. Each names its agent in another of the ways Quivive
understands: Aurore's pool sets a session variable at each checkout, Mercato writes an SQL comment, Séréni a
variable local to its transaction. Must never log or keep a row.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote

import asyncpg
import psycopg

POOL_CONNECTIONS: Final = 4
"""Connections of one application: about twenty agents share them."""
STATEMENT_TIMEOUT_S: Final = 15.0
"""Seconds an application waits for a statement before it gives up and opens another connection."""

AURORE: Final[dict[str, str]] = {
    "popup": "select id, customer_number, last_name, first_name, phone, city from customer where phone = $1",
    "by_number": "select id, customer_number, last_name, first_name, phone from customer where customer_number = $1",
    "search": "select id, last_name, first_name, city from customer"
    " where lower(last_name) = $1 and lower(first_name) = $2 order by id limit 20",
    "card": "select * from customer where id = $1",
    "open": "select id, last_name, first_name, phone, email, address, postal_code, city from customer where id = $1",
    "contracts": "select id, contract_number, customer_id, offer_code, power_kva from contract where customer_id = $1",
    "meters": "select m.id, m.meter_number, m.last_index_kwh, m.contract_id, c.id, c.customer_id from meter m"
    " join contract c on c.id = m.contract_id where c.customer_id = $1",
    "invoices": "select id, invoice_number, customer_id, amount, issued_on, paid from invoice"
    " where customer_id = $1 order by issued_on desc limit 6",
    "household": "select c.id, c.last_name, c.first_name, c.household_id from customer c where c.household_id ="
    " (select household_id from customer where id = $1)",
    "note": "insert into note (customer_id, reason_code) values ($1, $2)",
    "email": "update customer set email = $2, updated_at = now() where id = $1",
    "offers": "select code, label, price_kwh from offer order by code",
}
MERCATO: Final[dict[str, str]] = {
    "popup": "select id, customer_number, last_name, first_name, phone from customer where phone = %s",
    "by_number": "select id, customer_number, last_name, first_name, phone from customer where customer_number = %s",
    "card": "select id, last_name, first_name, email, phone, household_id, newsletter from customer where id = %s",
    "orders": "select id, order_number, customer_id, placed_at, status, total from orders where customer_id = %s"
    " order by placed_at desc limit 5",
    "tracking": "select * from order_tracking where order_number = %s",
    "by_order": "select o.id, o.order_number, o.customer_id, o.status, o.total from orders o where o.order_number = %s",
    "lines": "select l.order_id, l.line_no, l.quantity, p.label, p.price from order_line l"
    " join product p on p.id = l.product_id where l.order_id = %s",
    "invoice": "select i.id, i.invoice_number, i.amount, i.order_id, o.id, o.customer_id from invoice i"
    " join orders o on o.id = i.order_id where o.id = %s",
    "address": "select id, customer_id, line, postal_code, city from address where customer_id = %s",
    "household": "select id, last_name, first_name, household_id from customer where household_id = %s",
    "parcel": "update parcel set status = %s, updated_at = now() where order_id = %s",
    "newsletter": "update customer set newsletter = not newsletter where id = %s",
    "wildcard": "select id, last_name, first_name, phone, email from customer where last_name ilike %s"
    " order by last_name, id limit 400",
    "statuses": "select status, count(*) from orders group by status",
}
SERENI: Final[dict[str, str]] = {
    "preview": "select m.id, m.customer_id, m.status, m.attempts, c.id, c.last_name, c.first_name, c.phone, c.city"
    " from campaign_member m join customer c on c.id = m.customer_id where m.customer_id = %s",
    "card": "select id, last_name, first_name, birth_date, phone, email, do_not_call from customer where id = %s",
    "policies": "select id, policy_number, customer_id, product, premium, renewed_on from policy"
    " where customer_id = %s",
    "claims": "select cl.id, cl.claim_number, cl.policy_id, cl.opened_on, cl.closed, p.id, p.customer_id from claim cl"
    " join policy p on p.id = cl.policy_id where p.customer_id = %s",
    "outcome": "update campaign_member set status = %s, attempts = attempts + 1, touched_at = now()"
    " where customer_id = %s",
    "campaigns": "select code, label from campaign",
}

Rows = Sequence[Any]


class Desk(Protocol):
    """A customer application as an agent uses it."""

    async def open(self) -> None:
        """Get ready; connections may open later."""

    async def close(self) -> None:
        """Close every connection."""

    async def run(self, name: str, *values: object, agent: str, contact: str = "") -> Rows:
        """Run one of the application's statements for an agent; `contact` is the call or ticket at hand."""


class AuroreDesk:
    """asyncpg's own pool: binary protocol, prepared statements shared by whoever holds the connection."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Open the pool."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=POOL_CONNECTIONS,
            command_timeout=STATEMENT_TIMEOUT_S,
            ssl=False,
            server_settings={"application_name": "aurore-crm"},
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            self._pool.terminate()

    async def run(self, name: str, *values: object, agent: str, contact: str = "") -> Rows:
        del contact  # an old application: it knows who works, not in which call
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            await connection.execute("select set_config('quivive.agent', $1, false)", agent)
            rows: Rows = await connection.fetch(AURORE[name], *values)
            return rows


class _PsycopgDesk:
    """A pool of psycopg connections, lent first come first served; a broken one is replaced."""

    application: str
    statements: dict[str, str]

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._free: asyncio.LifoQueue[psycopg.AsyncConnection[Any] | None] = asyncio.LifoQueue(POOL_CONNECTIONS)

    async def open(self) -> None:
        """Make room for the connections; each opens when first needed."""
        for _ in range(POOL_CONNECTIONS):
            self._free.put_nowait(None)

    async def close(self) -> None:
        """Close the connections at hand."""
        while not self._free.empty():
            connection = self._free.get_nowait()
            if connection is not None:
                await connection.close()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        connection = await self._free.get()
        try:
            if connection is None or connection.closed:
                connection = await psycopg.AsyncConnection.connect(
                    self._dsn, autocommit=True, sslmode="disable", application_name=self.application
                )
            async with asyncio.timeout(STATEMENT_TIMEOUT_S):
                yield connection
        except BaseException:
            if connection is not None:
                await connection.close()
            connection = None
            raise
        finally:
            self._free.put_nowait(connection)


class MercatoDesk(_PsycopgDesk):
    """Names its agent in a comment after each statement (sqlcommenter: keys sorted, values percent-encoded)."""

    application = "mercato-suivi"
    statements = MERCATO

    async def run(self, name: str, *values: object, agent: str, contact: str = "") -> Rows:
        tags = {"agent": agent, **({"contact": contact} if contact else {})}
        # psycopg reads % as a placeholder: the percent signs of the encoding are doubled
        comment = ",".join(f"{k}='{quote(v, safe='')}'" for k, v in sorted(tags.items())).replace("%", "%%")
        text = f"{MERCATO[name]} /*{comment}*/"
        async with self._lent() as connection:
            cursor = await connection.execute(text, values, prepare=False)
            return await cursor.fetchall() if cursor.description else ()


class SereniDesk(_PsycopgDesk):
    """One transaction a screen, with the agent set for that transaction only."""

    application = "sereni-campagne"
    statements = SERENI

    async def run(self, name: str, *values: object, agent: str, contact: str = "") -> Rows:
        async with self._lent() as connection, connection.transaction():
            await connection.execute("select set_config('quivive.agent', %s, true)", (agent,))
            if contact:
                await connection.execute("select set_config('quivive.contact', %s, true)", (contact,))
            cursor = await connection.execute(SERENI[name], values)
            return await cursor.fetchall() if cursor.description else ()
