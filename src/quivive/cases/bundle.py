"""What leaves with a case: facts, sheet, words and exhibits with their proofs, sealed to one recipient (issue 6 §3).

Called by `cases.office` on a hand-over. Pure but for the sealing's randomness. The same case gives the same archive,
byte for byte, before it is sealed. Must never hold a name: whoever may know it asks for it under two persons.

The archive is a ZIP of the files named by `manifest.json` with their SHA-256; the seal is an age file
(age-encryption.org/v1) to one X25519 recipient.
"""

import io
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Final

import pyrage

from quivive.cases.admissibility import SheetLine
from quivive.cases.exhibits import ExhibitError, verify_exhibit
from quivive.cases.reader import ToldCase
from quivive.model.errors import RefusedError

_MANIFEST: Final = "manifest.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
MAX_BUNDLE_BYTES: Final = 64 << 20
"""An archive read by `open_bundle`; a case of 20,000 exhibits has about 40 MB."""


class BundleError(ExhibitError):
    """An archive that is none, or whose files are not those of its manifest."""


def build_bundle(
    told: ToldCase,
    sheet: Sequence[SheetLine],
    words: Mapping[str, str],
    exhibits: Sequence[dict[str, Any]],
    papers: Mapping[str, str],
) -> bytes:
    """Make the archive. `papers`: readable pages by file name, e.g. the sheet in French and in English."""
    files: dict[str, bytes] = {
        "facts.json": _json(
            {
                "case": asdict(told.view.opened),
                "opened_at": told.view.opened_at,
                "agent_code": told.agent_code,
                "stage": told.view.stage,
                "outcome": told.view.outcome,
                "steps": [asdict(step) for step in told.view.steps],
                "sheet": [asdict(line) for line in sheet],
            }
        )
    }
    files |= {name: text.encode() for name, text in papers.items()}
    files |= {f"words/{digest}.txt": text.encode() for digest, text in words.items() if text}
    for number, exhibit in enumerate(exhibits, start=1):
        files[f"exhibits/{number:05d}.json"] = _json(exhibit)
    files[_MANIFEST] = _json({name: sha256(data).hexdigest() for name, data in files.items()})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def seal_bundle(archive: bytes, recipient: str) -> bytes:
    """Seal an archive to one recipient (`age1…`).

    Raises:
        RefusedError: `case_recipient`: not such a key.
    """
    try:
        key = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError:
        raise RefusedError("case_recipient") from None
    return bytes(pyrage.encrypt(archive, [key]))


def open_bundle(sealed: bytes, identities: str) -> bytes:
    """Open a sealed bundle with the age identities of a key file (one a line, `#` comments).

    Raises:
        BundleError: none of them opens it.
    """
    try:
        keys = [
            pyrage.x25519.Identity.from_str(line.strip())
            for line in identities.splitlines()
            if line.strip() and not line.startswith("#")
        ]
        return bytes(pyrage.decrypt(sealed, keys))
    except (pyrage.IdentityError, pyrage.DecryptError) as error:
        raise BundleError("the bundle does not open with this identity") from error


def check_bundle(archive: bytes, keys: Collection[str] = ()) -> int:
    """Check every file against the manifest and every exhibit against its own proof; how many exhibits.

    `keys`: public keys of the logs, known from elsewhere; see `verify_exhibit`.

    Raises:
        BundleError: a file is missing, added or altered.
        ExhibitError: a proof does not hold.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            if sum(each.file_size for each in packed.infolist()) > MAX_BUNDLE_BYTES:
                raise BundleError(f"more than {MAX_BUNDLE_BYTES} bytes")
            files = {each.filename: packed.read(each) for each in packed.infolist()}
        manifest = json.loads(files.pop(_MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError) as error:
        raise BundleError(f"no bundle of a case: {type(error).__name__}") from error
    if {name: sha256(data).hexdigest() for name, data in files.items()} != manifest:
        raise BundleError("the files are not those of the manifest")
    exhibits = [name for name in sorted(files) if name.startswith("exhibits/")]
    for name in exhibits:
        verify_exhibit(json.loads(files[name]), keys)
    return len(exhibits)


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"
