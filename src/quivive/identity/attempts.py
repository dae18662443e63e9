"""How often somebody may be wrong: failures per account, per address, and per both, within a quarter of an hour.

Called by `identity.desk`. Pure but for its own memory; time is an argument. Must never grow without bound, and must
never let one address lock a person out everywhere: the pair is counted apart from the account.
"""

from collections import OrderedDict, deque
from typing import Final

from quivive.model.clock import MINUTE_US

WINDOW_US: Final = 15 * MINUTE_US
MAX_PER_PAIR: Final = 5
"""Wrong tries of one account from one address: a person who mistypes stops before."""
MAX_PER_ACCOUNT: Final = 20
"""Wrong tries of one account from anywhere: with a second factor, twenty guesses find nothing. Passkeys are not
counted here, so that guessers cannot lock the house out of its break-glass account."""
MAX_PER_ADDRESS: Final = 50
"""Wrong tries from one address: behind it may stand a whole site."""
MAX_KEYS: Final = 10_000
"""Accounts and addresses remembered; the longest unseen are forgotten first."""


class Attempts:
    """Instants of the last failures of this process."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()

    def too_many(self, account: str, address: str, now: int) -> bool:
        """Tell whether one more try must wait."""
        return any(self._count(key, now) >= most for key, most in _limits(account, address))

    def failed(self, account: str, address: str, now: int) -> None:
        """Count a failure."""
        for key, most in _limits(account, address):
            kept = self._failed.setdefault(key, deque(maxlen=most))
            kept.append(now)
            self._failed.move_to_end(key)
        while len(self._failed) > MAX_KEYS:
            self._failed.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of this account from this address."""
        self._failed.pop(_pair(account, address), None)

    def _count(self, key: tuple[str, str], now: int) -> int:
        return sum(1 for at in self._failed.get(key, ()) if at > now - WINDOW_US)


def _pair(account: str, address: str) -> tuple[str, str]:
    return ("pair", f"{address} {account}")


def _limits(account: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (
        (_pair(account, address), MAX_PER_PAIR),
        (("account", account), MAX_PER_ACCOUNT),
        (("address", address), MAX_PER_ADDRESS),
    )
