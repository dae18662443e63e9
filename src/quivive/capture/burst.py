"""Bodies of executions that took the short way (`quick`), made together when a tick of the loop ends.

Called by the spool on behalf of `parts`. One pass without calls for many entries: a body made between two reads of
sockets costs twice as much, its code having left the processor's caches. Must give the bytes of the long way.
"""

from collections.abc import Sequence
from typing import Final

from quivive.capture.quick import Quick
from quivive.model.entry import EntryKind
from quivive.privacy.pseudonym import PSEUDONYM_BYTES

_DIGITS: Final = 2 * PSEUDONYM_BYTES


Told = tuple[tuple[str, ...], Quick, bytes, int, int, int, int, int]
"""One execution: constant pieces of its body, what makes its keys, the bind, `at`, `ended_at`, rows, bytes, number."""


class AccessBurst:
    """Encoder of one relay process."""

    kind = EntryKind.ACCESS

    def __init__(self, controller: str, key_id: str) -> None:
        self.controller = controller
        self.key_id = key_id

    def encode(self, facts: Sequence[Told]) -> list[tuple[int, bytes]]:
        """See `spool.group.Burst`."""
        bodies: list[tuple[int, bytes]] = []
        keep = bodies.append
        for (a, b, c, d, e, f, g, h), quick, raw, at, ended_at, rows, size, number in facts:
            text, near = quick.read(raw)
            inner = quick.inner_copy()
            inner.update(text)
            outer = quick.outer_copy()
            outer.update(inner.digest())
            key = outer.hexdigest()[:_DIGITS]
            body = f"{a}{number:x}{b}{at}{c}{ended_at}{d}{near}{e}{key}{f}{rows}{g}{size}{h}"
            keep((ended_at, body.encode()))
        return bodies
