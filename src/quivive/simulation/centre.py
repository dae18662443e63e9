"""The invented contact centre at work: calls arrive, agents open what the customer asks about, wrap up, go on.

Called by `demo.py`. Each agent is one coroutine; what they do reaches Quivive only the way a real centre's
work would: statements through the relays, rows over HTTP, lines of an access log. Must never log a value, and
must never slow the product: rates are bounded by the number of agents and their pace.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import psycopg

from quivive.model.clock import now_us
from quivive.simulation.applications import Desk, Rows
from quivive.simulation.contacts import Call, Leg
from quivive.simulation.crm_log import AccessLog
from quivive.simulation.feeds import Feed
from quivive.simulation.schema import RESERVED, relative_of
from quivive.simulation.staff import Agent

SERVICE_MU: Final = 4.81
"""Service time of a real bank's calls: log-normal, median 112 s (detection reference §2)."""
SERVICE_SIGMA: Final = 0.91
PACE: Final = 14.0
"""How many times faster than life the centre works, so that a minute of demonstration shows something."""
SERVICE_MIN_S: Final = 3.0
SERVICE_MAX_S: Final = 40.0
GAP_MEAN_S: Final = 5.0
"""Idle time between two calls: 22 s at the median in life."""
IDENTIFIED: Final = 0.70
"""Share of calls whose customer telephony knows; 48 % in life (detection reference §2)."""
TRANSFERRED: Final = 0.05
TRANSFER_WAIT_S: Final = 4.0
WRAPPED: Final = 0.35
"""Share of calls with work on the file after the hang-up."""
REGULAR: Final = 0.2
REGULARS: Final = 90
"""Customers who call again and again: 20 % of the calls come from 90 of them, so that relatives meet."""
TIE_AGE_S: Final = 5.0
UNKNOWN_CALLER_GAP_S: Final = 16.0
"""Idle seconds before a call of an unknown caller: at this pace the window before a call (15 s) would otherwise
take in the end of the call before it, which in life it seldom does."""
FIRST_MISCONDUCT_S: Final = (18.0, 40.0)
"""Seconds after the start at which each misbehaving agent first misbehaves."""
ORDINARY_SPELL_S: Final = 75.0
QUIET_S: Final = 80.0
"""Seconds without any call before and after a misconduct: longer than the wrap-up window of 60 s."""
DESK_ERRORS: Final = (OSError, TimeoutError, psycopg.Error, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a customer application meets when its database or the relay goes away; the agent tries again later."""
RETRY_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class _Handover:
    call: Call
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: bool = False


@dataclass(slots=True, kw_only=True)
class Centre:
    """Everything an agent's coroutine needs.

    Fields:
        run: letter and number of this start, so that references of two starts differ.
        customers: size of each controller's customer file.
        counts: what happened so far, by noun; no value of any row.
    """

    desks: Mapping[str, Desk]
    telephony: Feed
    helpdesk: Feed
    log: AccessLog
    customers: Mapping[str, int]
    run: str
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    _shown: dict[tuple[str, object], float] = field(default_factory=dict)
    _handovers: dict[str, asyncio.Queue[_Handover]] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def reference(self, letter: str) -> str:
        """A fresh reference as telephony and helpdesk print them: `A7-00012`."""
        self._numbers[letter] += 1
        return f"{letter}{self.run}-{self._numbers[letter]:05d}"

    def a_customer(self, controller: str) -> int:
        """Someone of the customer file, now and then a regular; never one reserved for visitors."""
        if self.chance.random() < REGULAR:
            return RESERVED + self.chance.randint(1, REGULARS)
        return self.chance.randint(RESERVED + 1, self.customers[controller])

    def relative_known(self, controller: str, customer: int) -> bool:
        """Tell whether the other one of the household was shown before: only then is their tie older than the call."""
        relative = relative_of(customer)
        seen = self._shown.get((controller, relative)) if relative else None
        return seen is not None and seen < asyncio.get_running_loop().time() - TIE_AGE_S

    def service_s(self) -> float:
        """Duration of one call, seconds."""
        return min(SERVICE_MAX_S, max(SERVICE_MIN_S, self.chance.lognormvariate(SERVICE_MU, SERVICE_SIGMA) / PACE))

    async def think(self, low: float = 0.6, high: float = 2.2) -> None:
        """Pause as someone who reads a screen."""
        await asyncio.sleep(self.chance.uniform(low, high))

    async def open(self, agent: Agent, controller: str, name: str, *values: object, contact: str = "") -> Rows:
        """Run one statement of a controller's application."""
        self.counts["statements"] += 1
        rows = await self.desks[controller].run(name, *values, agent=agent.crm, contact=contact)
        if name == "card":
            self._shown.setdefault((controller, values[0]), asyncio.get_running_loop().time())
        return rows

    # --- a call from its arrival to its wrap-up

    def new_call(self, agent: Agent, controller: str, customer: int, identity: dict[str, Any]) -> Call:
        """A call that rings now."""
        now = now_us()
        self.counts["calls"] += 1
        reference = self.reference("A")
        self.telephony.expect(reference, now)
        return Call(
            id=reference,
            controller=controller,
            team=agent.team,
            direction="inbound",
            customer=customer,
            identity=identity,
            offered_at=now,
            legs=[Leg(login=agent.logins["telephony"], from_at=now)],
        )

    def send_call(self, call: Call, covers_from: int) -> None:
        """Let telephony deliver the call as it stands."""
        self.telephony.deliver(call.row(), covers_from=covers_from)

    def hang_up(self, call: Call) -> None:
        """End the call; its version is sent when the wrap-up is over."""
        call.ended_at = now_us()
        call.legs[-1].to_at = call.ended_at
        self.telephony.expect(call.id, call.ended_at)

    async def take_inbound(self, agent: Agent, script: "Script", *, identified: float = IDENTIFIED) -> None:
        """One inbound call, with the script of the agent's team."""
        controller = agent.controllers[0]
        customer = self.a_customer(controller)
        known = self.chance.random() < identified
        if not known:
            await asyncio.sleep(UNKNOWN_CALLER_GAP_S)
        call = self.new_call(agent, controller, customer, script.identity(self, customer) if known else {})
        await self.think(0.4, 1.5)
        call.started_at = now_us()
        self.send_call(call, call.offered_at)
        await self._talk(agent, call, script)

    async def _talk(self, agent: Agent, call: Call, script: "Script") -> None:
        over = asyncio.get_running_loop().time() + self.service_s()
        try:
            await script.talk(self, agent, call)
            if self.chance.random() < TRANSFERRED and await self._handed_over(agent, call):
                return
            await asyncio.sleep(max(0.3, over - asyncio.get_running_loop().time()))
            self.hang_up(call)
            if self.chance.random() < WRAPPED:
                await self.think()
                await script.wrap_up(self, agent, call)
        finally:
            # also when the application failed: telephony knows nothing of that
            if not call.ended_at and call.legs[-1].login == agent.logins["telephony"]:
                self.hang_up(call)
            if call.ended_at:
                call.wrapped_at = now_us()
                self.send_call(call, call.ended_at)

    async def _handed_over(self, agent: Agent, call: Call) -> bool:
        handover = _Handover(call=call)
        self._queue(agent).put_nowait(handover)
        try:
            await asyncio.wait_for(handover.taken.wait(), TRANSFER_WAIT_S)
        except TimeoutError:
            handover.withdrawn = not handover.taken.is_set()
        return not handover.withdrawn

    def _queue(self, agent: Agent) -> asyncio.Queue[_Handover]:
        return self._handovers.setdefault(agent.team, asyncio.Queue())

    async def idle(self, agent: Agent, script: "Script") -> bool:
        """Wait for the next call; True when it was a transfer within the team, already dealt with."""
        gap = 0.3 + self.chance.expovariate(1 / GAP_MEAN_S)
        try:
            handover = await asyncio.wait_for(self._queue(agent).get(), gap)
        except TimeoutError:
            return False
        if handover.withdrawn:
            return False
        call, now = handover.call, now_us()
        call.legs[-1].to_at = now
        call.legs.append(Leg(login=agent.logins["telephony"], from_at=now))
        handover.taken.set()
        self.counts["transfers"] += 1
        self.send_call(call, now)
        await self._talk(agent, call, script)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a team does in a call: how telephony knows the customer, the talk, the wrap-up."""

    identity: Callable[[Centre, int], dict[str, Any]]
    talk: Callable[[Centre, Agent, Call], Awaitable[None]]
    wrap_up: Callable[[Centre, Agent, Call], Awaitable[None]]
