"""Submits the spine's checkpoint to witnesses and keeps what they cosign (https://c2sp.org/tlog-witness).

Called by `core.anchoring`. Must never believe a witness without its signature, nor refuse to sign on a bare word: a
witness that disagrees is asked for the checkpoint it holds, and only one under our own signature counts.
"""

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from quivive.ledger.note import NoteError, VerifierKey, open_signed
from quivive.ledger.published import RollbackError
from quivive.ledger.spinelog import SpineLog
from quivive.model.errors import QuiviveError

TIMEOUT_S: Final = 5
MAX_ANSWER_BYTES: Final = 128 * 1024
_CONFLICT: Final = 409
_UNKNOWN: Final = 404
"""To a question: it has cosigned nothing of this log yet."""
_OK: Final = 200


class Outcome(StrEnum):
    """What a submission came to."""

    COSIGNED = "cosigned"
    NEW = "new"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    GARBAGE = "garbage"
    AHEAD = "ahead"


Fetch = Callable[[str, bytes | None], tuple[int, bytes]]
"""(address, body to post or None) → status and body; OSError when nobody answers."""


def fetch(url: str, body: bytes | None) -> tuple[int, bytes]:
    """One HTTP request, bounded in time and size.

    Raises:
        OSError: nobody answers, or what answers is no HTTP.
    """
    request = urllib.request.Request(url, data=body, method="POST" if body is not None else "GET")  # noqa: S310 - checked by settings
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked by settings
            return answer.status, answer.read(MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        return error.code, error.read(MAX_ANSWER_BYTES)
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP: {type(error).__name__}") from error


@dataclass(slots=True)
class WitnessClient:
    """One witness: `name` of the policy, `url` its submission prefix."""

    name: str
    key: VerifierKey
    url: str
    fetch: Fetch = fetch
    known: int = 0
    """Size it cosigned last, as far as we know."""

    def look(self, spine: SpineLog, publishing: AbstractContextManager[bool]) -> Outcome:
        """At start: compare what the witness holds with what stands here.

        Raises:
            RollbackError: it holds a checkpoint under our signature that is ahead or of another history.
        """
        address = f"{self.url.rstrip('/')}/{sha256(spine.log.origin.encode()).hexdigest()}/checkpoint"
        try:
            status, note = self.fetch(address, None)
        except OSError:
            return Outcome.UNREACHABLE
        if status != _OK:
            return Outcome.NEW if status == _UNKNOWN else Outcome.REFUSED
        try:
            with publishing:
                spine.compare(note)
        except RollbackError:
            raise
        except QuiviveError:
            return Outcome.GARBAGE
        return Outcome.COSIGNED

    def submit(self, spine: SpineLog, publishing: AbstractContextManager[bool]) -> Outcome:
        """Submit the present checkpoint; keep the cosigned note.

        Raises:
            RollbackError: the witness is ahead of us, under our own signature.
            StorageError: the cosigned note could not be kept.
        """
        try:
            for _ in range(2):
                with publishing:
                    note, size = spine.log.note, spine.log.signed_size
                    proof = spine.log.consistency(min(self.known, size), size)
                status, answer = self.fetch(f"{self.url.rstrip('/')}/add-checkpoint", _body(self.known, proof, note))
                if status != _CONFLICT:
                    break
                self.known = int(answer)
                if self.known > size:
                    break
        except OSError:
            return Outcome.UNREACHABLE
        except ValueError:
            return Outcome.GARBAGE
        if status != _OK:
            self.look(spine, publishing)  # raises when it proves us wrong
            return Outcome.AHEAD if status == _CONFLICT else Outcome.REFUSED
        return self._keep(spine, publishing, note, answer, size)

    def _keep(
        self, spine: SpineLog, publishing: AbstractContextManager[bool], note: str, answer: bytes, size: int
    ) -> Outcome:
        try:
            cosigned = note.encode() + answer
            open_signed(cosigned, self.key)
            with publishing:
                spine.keep_anchor(f"witness-{self.name}", cosigned)
        except (NoteError, UnicodeDecodeError):
            return Outcome.GARBAGE
        self.known = size
        return Outcome.COSIGNED


def _body(old: int, proof: list[bytes], note: str) -> bytes:
    lines = "".join(base64.b64encode(each).decode() + "\n" for each in proof)
    return f"old {old}\n{lines}\n{note}".encode()
