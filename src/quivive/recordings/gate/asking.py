"""What an exchange may ask and how it is answered: paths, fields, plain text for a dialplan, JSON for programs.

Used by the gate's server. Pure. Must never take an agent, a listener or a line from an address (logs keep those),
never repeat what it was sent, and never let a first line start with anything but `allow` or `deny`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from quivive.model.errors import QuiviveError
from quivive.model.recording import GateReason, Medium, ObjectionChannel
from quivive.privacy.pseudonym import ControllerKeys, agent_key, alternate_key, contact_key
from quivive.recordings.gate.decide import Question
from quivive.rows import MAX_TEXT, is_code

MAX_FIELDS: Final = 16
HEADER_PREFIX: Final = "quivive-"
"""`Quivive-Agent: 4105` says what the body's `agent=4105` says, for a GET."""


class Ask(StrEnum):
    """Paths. All answer whether the call may be recorded (or listened to) from now on."""

    MAY_RECORD = "/may_record"
    MAY_LISTEN = "/may_listen"
    PAYMENT_STEP = "/payment_step"
    PRIVATE_CALL = "/private_call"
    OBJECTION = "/objection"


class Step(StrEnum):
    """Where a card payment is."""

    BEGIN = "begin"
    END = "end"


_IN_ADDRESS: Final = frozenset({"controller", "queue", "call", "announced", "by_hand", "step", "channel"})
_IN_BODY: Final = _IN_ADDRESS | {"agent", "listener", "line"}
_YES: Final = frozenset({"1", "yes", "true"})
_NO: Final = frozenset({"", "0", "no", "false"})
_NEEDS_CALL: Final = frozenset({Ask.MAY_RECORD, Ask.PAYMENT_STEP, Ask.PRIVATE_CALL, Ask.OBJECTION})


class AskError(QuiviveError):
    """A question that cannot be understood; `code` is told, no value is. The exchange hears `deny`."""

    def __init__(self, code: str, status: int = 400) -> None:
        self.code, self.status = code, status
        super().__init__(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question understood: `ask` with what is particular to it."""

    ask: Ask
    question: Question
    step: Step = Step.BEGIN
    channel: ObjectionChannel = ObjectionChannel.KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Whose questions these are: login space, keys by controller, queue → controller, default controller or ""."""

    namespace: str
    keys: Mapping[str, ControllerKeys]
    queues: Mapping[str, str]
    default: str


def fields_of(query: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Gather the fields of a request: address, headers `Quivive-…`, then the body (form or JSON).

    Raises:
        AskError: something of a person stands in the address, or the body is neither form nor JSON object.
    """
    found = _form(query)
    if found.keys() - _IN_ADDRESS:
        raise AskError("person_in_address" if found.keys() & _IN_BODY else "unknown_field")
    for name, value in headers.items():
        if name.startswith(HEADER_PREFIX):
            found[name.removeprefix(HEADER_PREFIX).replace("-", "_")] = value
    if body:
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        found.update(_object(body) if media == "application/json" else _form(_text(body)))
    if found.keys() - _IN_BODY:
        raise AskError("unknown_field")
    for value in found.values():
        if len(value) > MAX_TEXT or not value.isprintable():
            raise AskError("field_too_long")
    return {name: value.strip() for name, value in found.items()}


def _form(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise AskError("unreadable") from None


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise AskError("unreadable") from None


def _object(body: bytes) -> dict[str, str]:
    try:
        value = msgspec.json.decode(body, type=dict[str, str | int | bool | None])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise AskError("unreadable") from None
    return {name: _word(each) for name, each in value.items() if each is not None}


def _word(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def asked(ask: Ask, fields: Mapping[str, str], space: Space, at: int) -> Asked:
    """Understand one question; everything of a person leaves as a key.

    Raises:
        AskError: a field is missing or wrong.
    """
    controller = fields.get("controller", "") or space.queues.get(fields.get("queue", ""), "") or space.default
    keys = space.keys.get(controller)
    if keys is None:
        raise AskError("controller")
    queue = fields.get("queue", "")
    if queue and not is_code(queue):
        raise AskError("queue")
    call = fields.get("call", "")
    if not call and ask in _NEEDS_CALL:
        raise AskError("call")
    line = fields.get("line", "")
    question = Question(
        medium=Medium.LISTENING if ask is Ask.MAY_LISTEN else Medium.RECORDING,
        controller=controller,
        at=at,
        contact=contact_key(keys, call) if call else "",
        agent=_login(keys, space, fields.get("agent", "")),
        listener=_login(keys, space, fields.get("listener", "")),
        line=line_key(keys, line) if line else "",
        queue=queue,
        announced=fields.get("announced", ""),
        by_hand=_flag(fields.get("by_hand", "")),
    )
    step = _one(Step, fields.get("step", ""), "step", needed=ask is Ask.PAYMENT_STEP, default=Step.BEGIN)
    channel = _one(ObjectionChannel, fields.get("channel", ""), "channel", needed=False, default=ObjectionChannel.KEY)
    return Asked(ask=ask, question=question, step=Step(step), channel=ObjectionChannel(channel))


def line_key(keys: ControllerKeys, line: str) -> str:
    """Key of a line (an extension that nobody may record), as a neutralisation names it."""
    return alternate_key(keys, "line", line.strip().casefold())


def _login(keys: ControllerKeys, space: Space, login: str) -> str:
    return agent_key(keys, space.namespace, login) if login else ""


def _flag(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise AskError("by_hand")


def _one(kind: Callable[[str], StrEnum], text: str, name: str, *, needed: bool, default: StrEnum) -> StrEnum:
    if not text and not needed:
        return default
    try:
        return kind(text)
    except ValueError:
        raise AskError(name) from None


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    allowed: bool
    reason: str
    answer: str
    campaign: str


def told(*, allowed: bool, reason: GateReason | str, answer: str, campaign: str, as_json: bool) -> bytes:
    """Write an answer: JSON, or three lines: `allow` or `deny`, the reason, the answer's id."""
    if as_json:
        return msgspec.json.encode(_Answer(allowed=allowed, reason=str(reason), answer=answer, campaign=campaign))
    return f"{'allow' if allowed else 'deny'}\n{reason}\n{answer}\n".encode()
