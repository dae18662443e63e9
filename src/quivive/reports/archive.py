"""The archive that a reader takes away: the signed report, its data, the signed heads of the logs, and how to check.

Called by `office`. Pure. The same files give the same archive. Must never hold a file that the manifest does not name.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

MANIFEST: Final = "manifest.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes], about: Mapping[str, str]) -> bytes:
    """Make the archive; `about` goes into the manifest beside the hashes."""
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    manifest = json.dumps({"about": dict(about), "sha256": hashes}, sort_keys=True, indent=1, ensure_ascii=False)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in sorted({**files, MANIFEST: manifest.encode() + b"\n"}.items()):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
