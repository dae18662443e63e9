"""What the pages of kept sound may ask of the rest: a part of `web.services`.

Filled by `core.compose`, faked by the tests. Each call is synchronous and may take seconds: pages call it in a thread.
Must never offer a path, a whole file, or a removal that two persons did not agree to.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from quivive.model.recording import ListeningBody
from quivive.vault import Principal


class OpenPlayback(Protocol):
    """One open playback; `ident` is its address, bound to who asked. `length_ms` 0 when unknown."""

    @property
    def ident(self) -> str: ...
    @property
    def body(self) -> ListeningBody: ...
    @property
    def size(self) -> int: ...
    @property
    def length_ms(self) -> int: ...
    @property
    def media_type(self) -> str: ...
    @property
    def expires_at(self) -> int: ...


class PlaybackDesk(Protocol):
    """Hearing recordings. `open` returns when its entry is durable; all raise RefusedError with a PlaybackRefusal."""

    def listed(self, principal: str, controllers: tuple[str, ...]) -> list[dict[str, Any]]: ...
    def open(
        self, recording: str, *, principal: str, controllers: tuple[str, ...], purpose: str, reason: str
    ) -> OpenPlayback: ...
    def get(self, ident: str, principal: str) -> OpenPlayback: ...
    def may_go_on(self, playing: Any) -> None: ...
    def pace(self, playing: Any, count: int, now_s: float) -> float:
        """Seconds to wait before the next `count` bytes; negative: not sent after all."""
        ...

    def read(self, playing: Any, start: int, end: int) -> Iterator[bytes]: ...
    def close(self, ident: str, principal: str) -> int: ...


class PurgeDesk(Protocol):
    """Removal with proof. `plan` and `decide` return when their entries are durable."""

    def figures(self) -> dict[str, list[dict[str, Any]]]:
        """Plans, certificates and holds, as the projection's rows."""
        ...

    def plan(self, controller: str, principal: Principal) -> int:
        """Look, seal and propose; returns how many objects would be removed."""
        ...

    def decide(self, subject: str, principal: Principal, *, agreed: bool) -> object:
        """A second person agrees or refuses; RefusedError with an ApprovalRefusal."""
        ...
