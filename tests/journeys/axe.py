"""axe-core for the journeys: fetched once by npm into the cache, checked by its hash, run inside the page.

Nothing of it is shipped. Without npm and without a copy the tests that need it are skipped, and say so.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "quivive-tests" / f"axe-{VERSION}.min.js"
SEVERE = frozenset({"serious", "critical"})


@cache
def script():
    """The text of axe-core, None when it cannot be had."""
    if not CACHE.exists() and not _fetch():
        return None
    text = CACHE.read_bytes()
    assert hashlib.sha256(text).hexdigest() == SHA256, "the cached axe-core is another file"
    return text.decode()


def _fetch():
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                ["npm", "pack", "--silent", f"axe-core@{VERSION}"],
                cwd=folder,
                check=True,
                timeout=120,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as packed:
            member = packed.extractfile("package/axe.min.js")
            assert member is not None
            CACHE.parent.mkdir(parents=True, exist_ok=True)
            CACHE.write_bytes(member.read())
    return True


def findings(page):
    """What axe calls serious or critical on the page as it stands: rule, elements, what to do."""
    # Through the debugger, so that the page keeps its strict policy: no script of ours is let in by a weaker header.
    page.evaluate(script())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found["violations"]
        if each["impact"] in SEVERE
        for node in each["nodes"]
    ]
