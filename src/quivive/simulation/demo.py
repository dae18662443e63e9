"""`quivive demo`: a database, the product, a centre that works and misbehaves; and what a visitor needs to look in.

Called by the command. Composes the other files of this package. Must never print a personal value, never
seed twice, and always end what it started, in order: agents, product, database.
"""

import asyncio
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import format_decimal

from quivive.addresses import parse_address
from quivive.language import said
from quivive.model.alert import Switch
from quivive.model.clock import now_us
from quivive.model.errors import QuiviveError
from quivive.model.gate import GATE_ORDER, GateState, Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordKind
from quivive.settings import Settings, SourceKind, load_settings
from quivive.simulation.applications import AuroreDesk, Desk, MercatoDesk, SereniDesk
from quivive.simulation.centre import Centre
from quivive.simulation.configuration import (
    ACCESS_LOG,
    PORT_RANGE,
    RELAYED,
    write_configuration,
)
from quivive.simulation.crm_log import AccessLog
from quivive.simulation.database import DatabaseError, PostgresServer, is_free, wheel_programs
from quivive.simulation.exchange import SOURCE as EXCHANGE
from quivive.simulation.exchange import Exchange, announce_lessons
from quivive.simulation.feeds import Api, Delay, Feed, FeedError
from quivive.simulation.hearing import EVALUATOR, QUEUE_TEAM, announce
from quivive.simulation.lessons import Past
from quivive.simulation.product import Product, ProductError
from quivive.simulation.schema import companies
from quivive.simulation.seeding import Passwords, application_role, links_role, seed_all, seeded, side_role
from quivive.simulation.sentences import language_of, say
from quivive.simulation.shifts import shift
from quivive.simulation.sound import FOLDER, STORE
from quivive.simulation.staff import EMPLOYER, ESTABLISHMENTS, Conduct, directory_rows, roster_rows, staff

SHOWN: Final = "mercato"
"""The controller behind the two DSNs that a visitor gets."""
PRINCIPAL: Final = "demonstration"
PAPERS_BEFORE: Final = timedelta(days=60)
"""How long before its start the demonstration's fictitious documents are dated."""
TELEPHONY_DELAY: Final = Delay(usual=1.2, most=6.0)
HELPDESK_DELAY: Final = Delay(usual=3.0, most=12.0)
VOYAGE_CUSTOMERS: Final = 8_000
EXIT_FAILED: Final = 1


class _State(msgspec.Struct, kw_only=True):
    """`demo-state.json`, mode 0600: what a second start must find again."""

    runs: int = 0
    database_port: int = 0
    superuser: str = ""
    application: dict[str, str] = msgspec.field(default_factory=dict)
    links: dict[str, str] = msgspec.field(default_factory=dict)
    links_read: bool = False


def run_demo(home: Path) -> int:
    """Run the demonstration centre until SIGTERM or SIGINT; returns the exit code."""
    language = language_of()
    try:
        return asyncio.run(_Demo(home=home.absolute(), language=language).run())
    except (QuiviveError, DatabaseError, FeedError, OSError) as error:
        print(f"quivive demo: {said(error)}", file=sys.stderr)  # noqa: T201 - the one sentence for the person
        return EXIT_FAILED


@dataclass(slots=True, kw_only=True)
class _Demo:
    home: Path
    language: str
    began: float = field(default_factory=time.monotonic)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    tokens: dict[str, str] = field(default_factory=dict)

    def tell(self, sentence: str, **values: object) -> None:
        """Print one progress line at once."""
        print(say(self.language, sentence, **values), flush=True)  # noqa: T201 - the demonstration talks to a person

    def number(self, count: int) -> str:
        """Write a number as the reader's language does."""
        return format_decimal(count, locale=self.language)

    async def run(self) -> int:
        """Start everything, wait, end everything in reverse."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "demo.json").unlink(missing_ok=True)
        state = self._state()
        database = self._database(state)
        product = Product(self.home)
        code = 0
        try:
            await self._until_stopped(self._bring_up(state, database, product))
            if not self.stopping.is_set():
                async with self._working(state, product, database):
                    code = await self._watch(product)
        finally:
            self.tell("stopping")
            (self.home / "demo.json").unlink(missing_ok=True)
            await product.stop()
            database.stop()
            self.tell("stopped")
        return code

    async def _until_stopped(self, work: Any) -> None:
        """Run the start, but let SIGTERM interrupt it."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return
        task.result()

    # --- bring up

    def _state(self) -> _State:
        path = self.home / "demo-state.json"
        state = msgspec.json.decode(path.read_bytes(), type=_State) if path.exists() else _State()
        state.runs += 1
        state.superuser = state.superuser or secrets.token_urlsafe(16)
        for name in RELAYED:
            state.application.setdefault(name, secrets.token_hex(12))
            state.links.setdefault(name, secrets.token_hex(12))
        while not state.database_port:
            port = random.randrange(*PORT_RANGE)
            state.database_port = port if is_free(port) else 0
        self._keep(state)
        return state

    def _keep(self, state: _State) -> None:
        _write_private(self.home / "demo-state.json", msgspec.json.encode(state))

    def _database(self, state: _State) -> PostgresServer:
        sides = ",".join(side_role(name) for name in RELAYED)
        return PostgresServer(
            folder=self.home / "postgres",
            programs=wheel_programs(),
            port=state.database_port,
            password=state.superuser,
            # side accounts may only describe; on the socket they need no secret that a file would hold
            hba=(f"local {','.join(RELAYED)} {sides} trust",),
        )

    async def _bring_up(self, state: _State, database: PostgresServer, product: Product) -> None:
        self.tell("database")
        database.start()  # from this thread, whose end would end the server
        write_configuration(
            self.home,
            language=self.language,
            socket=database.socket,
            side_dsns={name: database.socket_dsn(name, user=side_role(name), password="") for name in RELAYED},
        )
        AccessLog(self.home / ACCESS_LOG)  # the product follows a file that exists
        await self._seed(state, database)
        self.tell("product")
        product.start()
        await product.ready()
        settings = load_settings(self.home)
        await self._issue_tokens(product, settings)
        self.tell("people")
        await self._introduce(product, settings)

    async def _seed(self, state: _State, database: PostgresServer) -> None:
        all_companies = companies()
        if await asyncio.to_thread(seeded, database.dsn, all_companies):
            return
        self.tell("seeding", count=self.number(sum(company.customers for company in all_companies)))
        passwords = {name: Passwords(application=state.application[name], links=state.links[name]) for name in RELAYED}
        await asyncio.to_thread(
            seed_all,
            database.socket_dsn,
            all_companies,
            passwords,
            lambda company: self.tell("seeded", name=company.name, count=self.number(company.customers)),
        )

    async def _issue_tokens(self, product: Product, settings: Settings) -> None:
        """Tokens of the feeds. A folder of an earlier version has no exchange: it goes on without."""
        for name, (sources, roles) in {
            "telephony": (("telephony",), ("integration",)),
            "helpdesk": (("helpdesk",), ("integration",)),
            "people": (("people",), ("integration",)),
            "planning": (("planning",), ("integration",)),
            EXCHANGE: ((EXCHANGE,), ("integration",)),
            # what a visitor tries everything with: reads as security and DPO, writes to one source of each kind
            "api": (("api", "telephony", "people", "planning"), ("security", "dpo", "integration")),
        }.items():
            if any(source not in settings.sources for source in sources):
                continue
            answer = await product.ask("token-issue", name=f"demo-{name}", sources=sources, roles=roles)
            self.tokens[name] = str(answer["token"])

    async def _open_gate(self, product: Product, establishment: str, module: Module) -> None:
        place = {"employer": EMPLOYER, "establishment": establishment, "module": module}
        state = GateState((await product.ask("gate-show", **place))["state"])
        for step in GATE_ORDER[GATE_ORDER.index(state) + 1 :]:
            reference = f"DEMO-{establishment}-{step}"
            await product.ask("gate-set", **place, state=step, reference=reference, demonstration=True)
        if state is not GATE_ORDER[-1]:
            await self._adopt_papers(product, establishment, module)

    async def _adopt_papers(self, product: Product, establishment: str, module: Module) -> None:
        """Fictitious documents behind the gate, dated before the first access, with the purposes they declare."""
        dated = (datetime.now(tz=UTC) - PAPERS_BEFORE).date().isoformat()
        purposes = {
            Module.ACCESS: [DeclaredPurpose.CONSULTATION_CONTROL, DeclaredPurpose.MISCONDUCT_PROOF],
            Module.RECORDINGS: [DeclaredPurpose.RECORDING_GOVERNANCE],
            Module.RESIDUAL: [DeclaredPurpose.CONSULTATION_CONTROL],
        }[module]
        for record in GateRecordKind:
            reference = f"DEMO-{establishment}-{record}"
            await product.ask(
                "gate-record", employer=EMPLOYER, establishment=establishment, module=module, record=record,
                dated=dated, reference=reference, purposes=purposes, demonstration=True,
            )  # fmt: skip

    async def _switch_on(self, product: Product) -> None:
        """Parts of detection, by fictitious records; a person's own record stays off, as it is shipped."""
        told = {each["switch"]: each["on"] for each in (await product.ask("switch-show"))["switches"]}
        for switch in Switch:
            if switch is not Switch.OWN_RECORD and not told[switch]:
                reference = f"DEMO-{switch}"
                await product.ask("switch-set", switch=switch, on=True, reference=reference, demonstration=True)

    async def _introduce(self, product: Product, settings: Settings) -> None:
        """Directory, roster and gate; then wait until the sources know."""
        for establishment in ESTABLISHMENTS:
            for module in (Module.ACCESS, Module.RECORDINGS, Module.RESIDUAL):
                await self._open_gate(product, establishment, module)
        await self._switch_on(product)
        base, now, agents = _base(settings), now_us(), staff()
        await asyncio.to_thread(
            _post_all, Api(base, self.tokens["people"]), "/v1/directory", directory_rows(agents, now)
        )
        await asyncio.to_thread(_post_all, Api(base, self.tokens["planning"]), "/v1/roster", roster_rows(agents, now))
        governed = [n for n, s in settings.sources.items() if s.kind not in {SourceKind.DIRECTORY, SourceKind.ROSTER}]
        await product.policies_active(governed, accounts=1)
        await announce(product.ask, agents, now, ZoneInfo(settings.operator.timezone))
        await announce_lessons(product.ask, agents, now)
        await product.listening(
            address
            for source in settings.sources.values()
            if source.kind is SourceKind.POSTGRES and isinstance(address := parse_address(source.listen, ""), tuple)
        )

    # --- at work

    @contextlib.asynccontextmanager
    async def _working(self, state: _State, product: Product, database: PostgresServer) -> AsyncIterator[None]:
        settings = load_settings(self.home)
        base, chance = _base(settings), random.Random(state.runs)
        telephony = Feed(Api(base, self.tokens["telephony"]), TELEPHONY_DELAY, chance)
        helpdesk = Feed(Api(base, self.tokens["helpdesk"]), HELPDESK_DELAY, chance)
        desks: dict[str, Desk] = {
            "aurore": AuroreDesk(_relay_dsn(settings, state, "aurore")),
            "mercato": MercatoDesk(_relay_dsn(settings, state, "mercato")),
            "sereni": SereniDesk(_relay_dsn(settings, state, "sereni")),
        }
        centre = Centre(
            desks=desks,
            telephony=telephony,
            helpdesk=helpdesk,
            log=AccessLog(self.home / ACCESS_LOG),
            customers={**{c.id: c.customers for c in companies()}, "voyage": VOYAGE_CUSTOMERS},
            run=str(state.runs),
            chance=chance,
        )
        agents = staff()
        for desk in desks.values():
            await desk.open()
        tasks = [asyncio.create_task(feed.run()) for feed in (telephony, helpdesk)]
        tasks += [asyncio.create_task(shift(centre, agent)) for agent in agents]
        if EXCHANGE in settings.sources:
            exchange = Exchange(
                address=settings.sources[EXCHANGE].listen,
                token=self.tokens[EXCHANGE],
                api=Api(base, self.tokens["telephony"]),
                agents=agents,
                began_at=now_us(),
                sound=self.home / FOLDER if STORE in settings.audio else None,
            )
            telephony.seen = exchange.see
            tasks.append(asyncio.create_task(exchange.run()))
        if STORE in settings.audio:
            tasks.append(asyncio.create_task(self._tell_past(product, base)))
        self.tell("agents", count=len(agents))
        await self._announce(state, settings, product, database)
        if not state.links_read:
            tasks.append(asyncio.create_task(self._read_links(state, product, database)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._sum_up(centre)
            for desk in desks.values():
                await desk.close()

    async def _read_links(self, state: _State, product: Product, database: PostgresServer) -> None:
        """Once per data folder: from orders, parcels and invoices to persons, also those that nobody has opened yet."""
        dsn = database.dsn(SHOWN, user=links_role(SHOWN), password="")
        try:
            count = await product.sync_links(f"{SHOWN}-db", dsn, state.links[SHOWN])
        except ProductError as error:
            print(f"quivive demo: {said(error)}", file=sys.stderr, flush=True)  # noqa: T201 - the one sentence for the person
            return
        state.links_read = True
        self._keep(state)
        self.tell("links", count=self.number(count))

    async def _tell_past(self, product: Product, base: str) -> None:
        """Once per data folder: recordings of the weeks before, an end with proof, a plan that waits."""
        past = Past(
            ask=product.ask, api=Api(base, self.tokens["telephony"]), folder=self.home / FOLDER, agents=staff(),
            now=now_us(),
        )  # fmt: skip
        try:
            if await past.tell():
                self.tell("past")
        except (ProductError, FeedError, OSError) as error:
            print(f"quivive demo: {said(error)}", file=sys.stderr, flush=True)  # noqa: T201 - the one sentence for the person

    def _sum_up(self, centre: Centre) -> None:
        nouns = ("calls", "tickets", "statements", "failures")
        self.tell("worked", **{noun: centre.counts[noun] for noun in nouns})
        for feed in (centre.telephony, centre.helpdesk):
            if feed.refused:
                self.tell("refused", count=feed.refused, first=feed.first_refusal)

    async def _watch(self, product: Product) -> int:
        while not self.stopping.is_set():
            if not product.running():
                self.tell("died", log=product.log_path)
                return EXIT_FAILED
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 0.5)
        return 0

    async def _announce(self, state: _State, settings: Settings, product: Product, database: PostgresServer) -> None:
        answer = await product.ask("sign-in-link", principal=PRINCIPAL, roles=["security", "dpo"])
        evaluator = await product.ask("sign-in-link", principal=EVALUATOR, roles=["evaluator"])
        own = next(agent.hr_id for agent in reversed(staff()) if agent.team == QUEUE_TEAM)
        agent_link = await product.ask("sign-in-link", agent_id=own, roles=["agent"])
        base = _base(settings)
        ordinary = [a.crm for a in staff() if a.controllers == (SHOWN,) and a.conduct is Conduct.ORDINARY]
        facts = {
            "console_url": f"{base}/",
            "login_link": str(answer["link"]),
            "evaluator_link": str(evaluator["link"]),
            "agent_link": str(agent_link["link"]),
            "api_url": base,
            "api_token": self.tokens["api"],
            "controller": SHOWN,
            "relay_dsn": _relay_dsn(settings, state, SHOWN),
            "direct_dsn": database.dsn(SHOWN, user=application_role(SHOWN), password=state.application[SHOWN]),
            "data_dir": str(self.home),
            "agents": ordinary[:5],
        }
        _write_private(self.home / "demo.json", json.dumps(facts, indent=2).encode() + b"\n")
        self._print_ready(settings, facts)

    def _print_ready(self, settings: Settings, facts: dict[str, Any]) -> None:
        def indented(line: str) -> None:
            print(f"  {line}\n", flush=True)  # noqa: T201 - the demonstration talks to a person

        print(flush=True)  # noqa: T201
        self.tell("ready", seconds=time.monotonic() - self.began)
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            self.tell("tunnel")
            port = settings.operator.web_listen.rpartition(":")[2]
            indented(f"ssh -N -L {port}:127.0.0.1:{port} {socket.gethostname()}")
        self.tell("link")
        indented(facts["login_link"])
        self.tell("others")
        indented(facts["evaluator_link"])
        indented(facts["agent_link"])
        self.tell("psql")
        query = f"SET quivive.agent = '{facts['agents'][0]}'; SELECT id, last_name FROM customer WHERE id IN (1, 2, 3)"
        program = "psql" if shutil.which("psql") else str(wheel_programs() / "psql")
        indented(f'{program} "{facts["relay_dsn"]}" -c "{query}"')
        self.tell("direct")
        indented(f'{program} "{facts["direct_dsn"]}"')
        for sentence in ("look", "folder", "stop"):
            self.tell(sentence, home=self.home)


def _base(settings: Settings) -> str:
    return f"http://{settings.operator.web_listen}"


def _relay_dsn(settings: Settings, state: _State, controller: str) -> str:
    listen = settings.sources[f"{controller}-db"].listen
    return f"postgresql://{application_role(controller)}:{state.application[controller]}@{listen}/{controller}"


def _post_all(api: Api, path: str, rows: Any) -> None:
    """Post set-up rows; the demonstration's own rows must all be good."""
    report = api.post(path, rows)
    api.close()
    if report.get("refused"):
        raise ProductError(f"{path}: the product refused {len(report['refused'])} rows of the demonstration")


def _write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old one, the new one or none."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
