"""Commands of the rules on the control socket: what is in force, what a change would do, which records are watched.

Registered by `core.commands`; `replay` is also called without a core, over a projection at rest. Must never answer
a key or a person: counts per rule and day only. What names a record is keyed on entry and forgotten.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.detection.rules import hits, load_rules
from quivive.detection.rules.model import Rule
from quivive.detection.rules.parse import parse_rule
from quivive.detection.standing import switches_on
from quivive.model.alert import Hit, WatchedRecordBody
from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import person_key
from quivive.privacy.subject import SubjectKeyer
from quivive.projection.projection import Projection
from quivive.rows import is_code
from quivive.settings import Settings

TEST_DAYS_MAX: Final = 31
"""Days one test replays: a month of a large centre takes minutes."""


def rule_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers of the rules."""
    table = _RuleCommands(parts, writer)
    return {
        "rules-list": table.rules_list,
        "rules-test": table.rules_test,
        "watch-add": table.watch_add,
        "watch-remove": table.watch_remove,
    }


class _RuleCommands:
    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer

    async def rules_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """The rules of this core: the shipped pack and the files of its own folder."""
        del request
        rules = load_rules((self._parts.settings.home / "rules",))
        on = await asyncio.to_thread(switches_on, self._parts.projection)
        return {
            "rules": [
                {
                    "rule": rule.topic,
                    "severity": rule.severity,
                    "runs": rule.runs(on),
                    "live": rule.certain,
                    "shipped": rule.shipped,
                    "switch": rule.switch or "",
                    "quota": rule.quota,
                    "scenarios": list(rule.scenarios),
                    "title_fr": rule.texts["fr"].title,
                    "title_en": rule.texts["en"].title,
                    "version": rule.version,
                }
                for rule in rules
            ]
        }

    async def rules_test(self, request: dict[str, Any]) -> dict[str, Any]:
        """Replay a period: hits per rule and day, and with a rule's text what would appear or vanish."""
        return await asyncio.to_thread(
            replay, self._parts.projection, self._parts.settings, request, as_of=self._parts.clock()
        )

    async def watch_add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have every access to a record noticed; only its key is kept."""
        return await self._watch(request, removed=False)

    async def watch_remove(self, request: dict[str, Any]) -> dict[str, Any]:
        """Notice it no longer."""
        return await self._watch(request, removed=True)

    async def _watch(self, request: dict[str, Any], *, removed: bool) -> dict[str, Any]:
        settings = self._parts.settings.controllers.get(str(request["controller"]))
        if settings is None:
            raise RefusedError("controller_unknown")
        keys = self._parts.keyring.controller_keys(settings.id)
        keyer = SubjectKeyer(keys=keys, catalogue=settings.catalogue, region=settings.default_region)
        reference, owner = str(request.get("reference") or ""), str(request.get("own") or "")
        if not is_code(reference):
            raise RefusedError("reference", "expected the code of the request behind it, without a name")
        body = WatchedRecordBody(
            controller=settings.id,
            key=keyer.record(str(request["record"])).key,
            removed=removed,
            owner=person_key(self._parts.keyring.operator_agent_key, owner) if owner else "",
            reference=reference,
        )
        await asyncio.to_thread(self._writer.write, EntryKind.WATCHED_RECORD, body, controller=settings.id)
        return {"controller": settings.id, "watched": not removed}


def replay(projection: Projection, settings: Settings, request: Mapping[str, Any], *, as_of: int) -> dict[str, Any]:
    """Count the hits of a period, by rule and day; with the text of a rule, what it would make appear or vanish.

    Raises:
        RefusedError: the period is empty or longer than TEST_DAYS_MAX.
        ConfigurationError: a file is no rule.
    """
    from_at, to_at = int(request["from_at"]), int(request["to_at"])
    if not 0 < to_at - from_at <= TEST_DAYS_MAX * DAY_US:
        raise RefusedError("period", f"expected a period of at most {TEST_DAYS_MAX} days")

    def found(rules: Sequence[Rule]) -> tuple[Hit, ...]:
        return hits(
            projection,
            rules,
            controllers=tuple(settings.controllers),
            from_at=from_at,
            to_at=to_at,
            as_of=as_of,
            certain_only=False,
            switches=switches_on(projection),
            timezones={each.id: each.timezone for each in settings.controllers.values()},
        )

    standing = load_rules((settings.home / "rules",))
    text = str(request.get("text") or "")
    if not text:
        return {"hits": _counted(found(standing)), "appear": {}, "vanish": {}}
    candidate = parse_rule(str(request.get("file") or "rule.yml"), text, shipped=False)
    before = found([rule for rule in standing if rule.topic == candidate.topic])
    after = found([candidate])
    stood, stands = set(map(_place, before)), set(map(_place, after))
    return {
        "hits": _counted(after),
        "appear": _counted([hit for hit in after if _place(hit) not in stood]),
        "vanish": _counted([hit for hit in before if _place(hit) not in stands]),
    }


def _place(hit: Hit) -> tuple[str, str, str, str]:
    return hit.controller, hit.ident, hit.topic, hit.day


def _counted(found: Sequence[Hit]) -> dict[str, dict[str, int]]:
    """Hits by rule and day."""
    counts = Counter((hit.topic, hit.day) for hit in found)
    told: dict[str, dict[str, int]] = {}
    for (topic, day), count in sorted(counts.items()):
        told.setdefault(topic, {})[day] = count
    return told
