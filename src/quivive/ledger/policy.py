"""Trust policies (https://c2sp.org/tlog-policy): which logs, which witnesses, how many of them are enough.

Called by `quivive verify --policy` and by the core, which submits to the witnesses that have an address. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quivive.ledger.note import KeyType, NoteError, VerifierKey, parse_verifier_key
from quivive.model.errors import QuiviveError


class PolicyError(QuiviveError):
    """Not a tlog-policy: a line is not one, names twice, or names what is not yet defined."""


@dataclass(slots=True)
class Policy:
    """Logs, witnesses with their addresses, and the quorum; build with `parse_policy`."""

    logs: dict[VerifierKey, str] = field(default_factory=dict)
    witnesses: dict[str, tuple[VerifierKey, str]] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = "none"

    def met(self, cosigned: Iterable[VerifierKey]) -> bool:
        """Whether these witnesses are enough."""
        return self.quorum == "none" or self._witnessed(self.quorum, set(cosigned))

    def _witnessed(self, name: str, cosigned: set[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name][0] in cosigned
        least, members = self.groups[name]
        return sum(self._witnessed(member, cosigned) for member in members) >= least


def parse_policy(text: str) -> Policy:
    """Read a policy file.

    Raises:
        PolicyError: a line is not one, names twice or names what is not yet defined.
    """
    policy, used, quorums = Policy(), set[str](), 0
    lines = [line.split() for line in text.split("\n")]
    try:
        for words in lines:
            known = {**policy.witnesses, **policy.groups}
            match [] if not words or words[0].startswith("#") else words:
                case []:
                    continue
                case ["log", vkey, *url] if len(url) < 2:
                    _own(policy.logs, parse_verifier_key(vkey), url, {KeyType.ED25519, KeyType.MLDSA44})
                case ["witness", name, vkey, *url] if len(url) < 2 and name not in known and name != "none":
                    keys = {key: "" for key, _ in policy.witnesses.values()}
                    key = parse_verifier_key(vkey)
                    _own(keys, key, url, {KeyType.COSIGNATURE, KeyType.MLDSA44})
                    policy.witnesses[name] = (key, keys[key])
                case ["group", name, least, *members] if members and name not in known and name != "none":
                    count = {"any": 1, "all": len(members)}.get(least) or int(least)
                    _require(set(members) <= set(known) - used and len(set(members)) == len(members))
                    _require(1 <= count <= len(members))
                    used.update(members)
                    policy.groups[name] = (count, tuple(members))
                case ["quorum", name]:
                    _require(name == "none" or name in known)
                    policy.quorum, quorums = name, quorums + 1
                case _:
                    _require(False)
        _require(quorums == 1)
    except (NoteError, ValueError) as error:
        raise PolicyError("not a tlog-policy") from error
    return policy


def _own(keys: dict[VerifierKey, str], key: VerifierKey, url: list[str], types: set[KeyType]) -> None:
    _require(key.type in types and key.public not in {known.public for known in keys})
    keys[key] = url[0] if url else ""


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError
