"""Rows of the register of recordings: campaigns, whole, as their JSON; the register folds them (`quivive.recordings`).

Called by `columns`, which stages them. Pure. Must never merge, and never decide which version is in force.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.entry import EntryKind
from quivive.model.recording_register import CampaignBody, CampaignState
from quivive.projection.decode import Envelope
from quivive.projection.forms import INT, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

REGISTER_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "register_campaign": (
        ("campaign", TEXT), ("version", INT), ("rank", INT), ("tie", TIE), ("controller", TEXT), ("state", TEXT),
        ("body", TEXT),
    ),
}  # fmt: skip
_RANK: Final = {state: rank for rank, state in enumerate(CampaignState)}


def _campaign(rows: Rows, envelope: Envelope, tie: int, body: CampaignBody) -> None:
    del envelope
    whole = msgspec.json.encode(body, order="sorted").decode()
    rows["register_campaign"].append(
        (body.campaign, body.version, _RANK[body.state], tie, body.controller, body.state, whole)
    )  # fmt: skip


REGISTER_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.RECORDING_CAMPAIGN: msgspec.json.Decoder(CampaignBody),
}
REGISTER_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.RECORDING_CAMPAIGN: _campaign,
}
