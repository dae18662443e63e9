"""The edge of a dry run: configuration and file from disk, one result back.

Called by `quivive source test`. Must never write, nor read a key of the installation.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from quivive.connectors.dry_run import DryRun, dry_run, throwaway_facts
from quivive.connectors.reading.model import MAX_FILE_BYTES
from quivive.connectors.registry import Context, open_translator
from quivive.connectors.sources import open_source
from quivive.model.clock import now_us
from quivive.model.errors import ConfigurationError
from quivive.settings import SETTINGS_FILE, Settings, SourceKind, SourceSettings, load_settings

_TRIED: Final = "dry-run"


def try_file(home: Path, *, name: str, mapping: str, controller: str, path: Path) -> DryRun:
    """Try a file with a source of the configuration, or with a mapping alone.

    Raises:
        ConfigurationError: no such source, neither name nor mapping, or a wrong mapping.
    """
    configured = (home / SETTINGS_FILE).exists()
    if not name and not mapping:
        raise ConfigurationError(file="(command line)", key="--mapping", expected="a source or a mapping", found="none")
    data = _content(path)
    if not configured and not name:
        feed = open_translator(_beside(mapping), Context(source=_TRIED, controller=controller, namespace=_TRIED))
        return dry_run(feed, data, now_us(), None)
    settings = load_settings(home)
    name, settings = (name, _with_mapping(settings, name, mapping)) if name else _alone(settings, mapping, controller)
    return dry_run(open_source(settings, name), data, now_us(), throwaway_facts(settings, name))


def _with_mapping(settings: Settings, name: str, mapping: str) -> Settings:
    source = settings.sources.get(name)
    if source is None or not (mapping or source.mapping):
        known = ", ".join(n for n, s in settings.sources.items() if s.mapping) or "none configured"
        raise ConfigurationError(file=SETTINGS_FILE, key="sources", expected=f"one of {known}", found=name)
    changed = msgspec.structs.replace(source, mapping=_beside(mapping) or source.mapping, follow=False)
    return replace(settings, sources={**settings.sources, name: changed})


def _alone(settings: Settings, mapping: str, controller: str) -> tuple[str, Settings]:
    only = next(iter(settings.controllers)) if len(settings.controllers) == 1 else ""
    chosen = controller or only
    if chosen and chosen not in settings.controllers:
        known = ", ".join(sorted(settings.controllers))
        raise ConfigurationError(file="(command line)", key="--controller", expected=f"one of {known}", found=chosen)
    source = SourceSettings(
        kind=SourceKind.FILES, controller=chosen, namespace=_TRIED, path=".", mapping=_beside(mapping)
    )
    return _TRIED, replace(settings, sources={**settings.sources, _TRIED: source})


def _beside(mapping: str) -> str:
    """A file named on the command line stands where the command was given, not in the data folder."""
    return str(Path(mapping).absolute()) if mapping.endswith((".yml", ".yaml")) else mapping


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            file="(command line)", key="--file", expected="a readable file", found=error.strerror or "another"
        ) from None
