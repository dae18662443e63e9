"""Checks of the data folder: rights, room, keys, waiting spools. They work while nothing runs.

Called by `run`. Reads only, and no content: names, sizes, times and rights of files.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from quivive.doctor.finding import Finding, Level
from quivive.hot import Compiled, compiled
from quivive.model.clock import SECOND_US
from quivive.model.errors import QuiviveError
from quivive.model.ids import source_of
from quivive.privacy.policy_file import decode_policy
from quivive.settings import LINKS_SUFFIX, RESERVED_SOURCES, Settings, SourceKind

FREE_SHARE_WARN: Final = 0.15
FREE_SHARE_FAIL: Final = 0.03
"""Shares of the disk: below the second the spools may soon refuse (`on_failure` decides what then)."""
MAX_WAITING_BYTES: Final = 64 << 20
"""A spool that holds more than two files' worth is not being taken in."""
MAX_AHEAD_S: Final = 60
"""A file written further in the future than that was written by another clock."""
_OTHERS: Final = 0o077
_ACCESS_KINDS: Final = {SourceKind.POSTGRES, SourceKind.ACCESSES, SourceKind.ACCESS_FILE}


def check_folder(settings: Settings, now: int) -> Iterator[Finding]:
    """Rights, room, versions, clock, keys and spools of the data folder; `now` in microseconds UTC."""
    yield _versions()
    yield from _room(settings.home)
    yield _rights(settings.home)
    yield _keys(settings.home)
    yield _clock(settings.home, now)
    yield from _spools(settings)
    yield from _policies(settings)


def _versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    hot = compiled()
    level = Level.WARN if hot in (Compiled.STALE, Compiled.PARTLY) else Level.OK
    return Finding(
        check="versions",
        level=level,
        found=f"Python {python}, DuckDB {duckdb.__version__}, hot modules compiled: {hot}",
    )


def _room(home: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(home)
    share = usage.free / usage.total
    level = Level.FAIL if share < FREE_SHARE_FAIL else Level.WARN if share < FREE_SHARE_WARN else Level.OK
    yield Finding(
        check="room",
        level=level,
        found=f"{usage.free / 2**30:.1f} GiB free, {share:.0%} of the disk",
        expected="at least 15 % free",
        advice="Make room: a full disk stops the trace, and in strict or closed mode the work.",
    )


def _rights(home: Path) -> Finding:
    open_ones = [
        path.name for path in (home, *home.iterdir()) if path.stat().st_mode & _OTHERS and not path.is_socket()
    ]
    if not open_ones:
        return Finding(check="rights", level=Level.OK, found="the data folder is its owner's alone")
    return Finding(
        check="rights",
        level=Level.WARN,
        found=f"{len(open_ones)} entries of the data folder can be read by other accounts",
        expected="mode 0700 for folders, 0600 for files",
        advice="Take the rights away: chmod -R go= on the data folder.",
    )


def _keys(home: Path) -> Finding:
    folder = home / "keys"
    if not folder.is_dir():
        return Finding(
            check="keys",
            level=Level.FAIL,
            found="no keys",
            expected="keys/, made at the first start",
            advice="Start the core once, or restore keys/ from its own backup: without it nothing can be read.",
        )
    if any(path.stat().st_mode & _OTHERS for path in folder.rglob("*")):
        return Finding(
            check="keys",
            level=Level.FAIL,
            found="keys that other accounts can read",
            expected="mode 0600",
            advice="chmod -R go= keys/, and tell the data protection officer: they re-compute pseudonyms.",
        )
    named = bool(os.environ.get("QUIVIVE_MASTER_KEY_FILE"))
    if not named and (folder / "master.key").exists():
        return Finding(
            check="keys",
            level=Level.NOTE,
            found="the master key lies beside the data it protects",
            expected="QUIVIVE_MASTER_KEY_FILE on another disk, or a credential of the system",
            advice="Before real data comes: move it, and back keys/ up apart, at most 7 days deep.",
        )
    return Finding(check="keys", level=Level.OK, found="keys present, their owner's alone")


def _clock(home: Path, now: int) -> Finding:
    ahead = [p for p in home.rglob("*") if p.is_file() and p.stat().st_mtime - now / SECOND_US > MAX_AHEAD_S]
    if ahead:
        return Finding(
            check="clock",
            level=Level.FAIL,
            found=f"{len(ahead)} files written in the future",
            expected="a clock that only moves forward",
            advice="Set the clock by NTP before anything starts: accesses are matched with calls by their instants.",
        )
    return Finding(check="clock", level=Level.OK, found="no file was written in the future")


def _spools(settings: Settings) -> Iterator[Finding]:
    root = settings.home / "spool"
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if size > MAX_WAITING_BYTES:
            yield Finding(
                check="spool",
                level=Level.WARN,
                about=folder.name,
                found=f"{size / 2**20:.0f} MiB wait",
                expected="a few files",
                advice="Start the core: nothing is lost, but nothing is judged either.",
            )
        elif source_of(folder.name.removesuffix(LINKS_SUFFIX)) not in {*settings.sources, *RESERVED_SOURCES}:
            yield Finding(
                check="spool",
                level=Level.NOTE,
                about=folder.name,
                found="a spool of a source that quivive.toml does not name",
                expected="its source, or an end of it",
                advice="Keep it until the core has taken it in.",
            )


def _policies(settings: Settings) -> Iterator[Finding]:
    """What each source of accesses may keep now (DESIGN §11)."""
    for name, source in settings.sources.items():
        if source.kind not in _ACCESS_KINDS:
            continue
        try:
            policy = decode_policy((settings.home / "run" / "policy" / f"{name}.json").read_bytes())
        except (OSError, QuiviveError):
            yield Finding(
                check="gate",
                level=Level.NOTE,
                about=name,
                found="no policy yet: only counts are kept",
                expected="a policy, written by the core at its start",
                advice="Start the core.",
            )
            continue
        if not policy.active:
            yield Finding(
                check="gate",
                level=Level.NOTE,
                about=name,
                found="dry: only counts are kept",
                expected="active, once assessed, consulted and informed",
                advice="Each step: quivive gate set.",
            )
        elif not policy.informed and not policy.keep_unknown:
            yield Finding(
                check="gate",
                level=Level.WARN,
                about=name,
                found="active, but no agent is known to be informed",
                expected="a directory with informed_at",
                advice="Send the directory: until then every agent is withheld.",
            )
        else:
            yield Finding(
                check="gate", level=Level.OK, about=name, found=f"active, {len(policy.informed)} accounts informed"
            )
