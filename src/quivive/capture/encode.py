"""Bytes of `access`, `access.count`, `link`, `gap` and `heartbeat` bodies: JSON, sorted keys, integers only (ADR 0001).

Called by the relay's recorder once per part. Pure. What is the same for every execution of a statement by one agent
in one session is encoded once, in an AccessTemplate; `tests/unit/capture/test_encode.py` holds it equal to msgspec's.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from quivive.model.access import (
    AccessCountBody,
    Action,
    CaptureMode,
    CoverageClass,
    GapBody,
    Grade,
    LinkBody,
    Outcome,
    Pattern,
    RecordGroup,
)
from quivive.model.contact import HeartbeatBody

_encoder: Final = msgspec.json.Encoder(order="sorted")


def encode_body(body: AccessCountBody | LinkBody | GapBody | HeartbeatBody) -> bytes:
    """Encode a body that is not on the hot path."""
    return _encoder.encode(body)


def json_text(value: object) -> str:
    """One JSON value as text, keys sorted."""
    return _encoder.encode(value).decode()


def patterns_json(patterns: Sequence[Pattern]) -> str:
    """`patterns` of an access."""
    return json_text(patterns) if patterns else "[]"


def records_json(records: Sequence[RecordGroup]) -> str:
    """`records` of an access; keys are hexadecimal, so they need no escape."""
    if not records:
        return "[]"
    groups = []
    for group in records:
        keys = '","'.join(group.keys)
        groups.append(f'{{"keys":["{keys}"],"table":{json_text(group.table)}}}' if keys else _empty_group(group.table))
    return "[" + ",".join(groups) + "]"


def _empty_group(table: str) -> str:
    return f'{{"keys":[],"table":{json_text(table)}}}'


class AccessTemplate:
    """The constant pieces of an access body, in the order of its sorted keys."""

    __slots__ = ("_account", "_changed", "_grade", "_program", "_session")

    def __init__(
        self,
        *,
        account: str,
        action: Action,
        agent: str,
        attribution: str,
        changed: Sequence[str],
        columns: Sequence[str],
        contact: str,
        grade: Grade,
        mode: CaptureMode,
        session: str,
        shape: str,
        tables: Sequence[str],
        zone: str,
        workstation: str,
        program: str,
    ) -> None:
        self._account = f'"account":"{account}","action":"{action}","agent":"{agent}","at":'
        self._changed = (
            f',"attribution":"{attribution}","changed":{json_text(changed)},"columns":{json_text(columns)},'
            f'"contact":"{contact}","coverage":"'
        )
        self._grade = f',"grade":"{grade}","mode":"{mode}","neighbourhoods":['
        self._program = f',"program":{json_text(program)},"records":'
        self._session = (
            f',"session":"{session}","shape":"{shape}","tables":{json_text(tables)},'
            f'"workstation":"{workstation}","zone":{json_text(zone)}}}'
        )

    def body(
        self,
        *,
        access: str,
        part: int,
        final: bool,
        at: int,
        ended_at: int,
        coverage: CoverageClass,
        records: str,
        rows: int,
        rows_bytes: int,
        distinct: int,
        patterns: str,
        neighbourhoods: Sequence[str],
        outcome: Outcome,
    ) -> bytes:
        """One access part. `records` and `patterns` are already JSON."""
        around = '"' + '","'.join(neighbourhoods) + '"' if neighbourhoods else ""
        return (
            f'{{"access":"{access}",{self._account}{at}{self._changed}{coverage}","distinct":{distinct},'
            f'"ended_at":{ended_at},"final":{"true" if final else "false"}{self._grade}{around}],'
            f'"outcome":"{outcome}","part":{part},"patterns":{patterns}{self._program}{records},"rows":{rows},'
            f'"rows_bytes":{rows_bytes}{self._session}'
        ).encode()

    def quick(self, epoch: str, table: str) -> tuple[str, ...]:
        """The pieces around what changes in the only part of an execution that showed one record found by its key.

        Between them: the access (hexadecimal), `at`, `ended_at`, the neighbourhood, the key, `rows`, `rows_bytes`.
        `table` closes `records`.
        """
        return (
            f'{{"access":"{epoch}-',
            f'",{self._account}',
            f'{self._changed}predicate","distinct":1,"ended_at":',
            f',"final":true{self._grade}"',
            f'"],"outcome":"ok","part":0,"patterns":[]{self._program}[{{"keys":["',
            f'{table},"rows":',
            ',"rows_bytes":',
            self._session,
        )
