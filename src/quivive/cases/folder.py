"""A case's own folder: what people wrote and the exhibits, sealed under the case's key (DESIGN §7, last point).

Called by `cases.office`. One file per document, named by its hash, under `cases/<controller>/<case>/`. Must never write
a word in clear, never overwrite a document, and never give one back whose hash differs.

A document is a JSON object with a random salt, so that its hash tells nothing about a short text.
"""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from quivive.model.errors import RefusedError, StorageError
from quivive.model.ids import KEY_PATTERN
from quivive.privacy.keyfile import write_new
from quivive.privacy.keyring import Keyring
from quivive.privacy.sealing import NONCE_BYTES, SealError, seal, unseal

MAX_TEXT_CHARS: Final = 20_000
"""A statement of a hearing fits; a pasted customer file does not."""
MAX_DOCUMENTS: Final = 20_000
"""Of one case: every access of a leaver's last months as an exhibit, and the words."""
_SALT_BYTES: Final = 16
_SUFFIX: Final = ".sealed"


class CaseFolder:
    """Documents of the cases of one home. Usable from several threads."""

    def __init__(self, home: Path, keyring: Keyring) -> None:
        self._root, self._keyring = home / "cases", keyring

    def put_text(self, controller: str, case: str, text: str) -> str:
        """Seal what somebody wrote; returns its hash, "" for no words.

        Raises:
            RefusedError: `case_text_long`.
            StorageError: the disk refuses.
        """
        words = text.strip()
        if not words:
            return ""
        if len(words) > MAX_TEXT_CHARS:
            raise RefusedError("case_text_long", f"at most {MAX_TEXT_CHARS} characters")
        return self._put(controller, case, {"text": words})

    def text(self, controller: str, case: str, digest: str) -> str:
        """What was written; "" for no words, or when it was erased with its case.

        Raises:
            StorageError: it is there and does not open.
        """
        document = self._get(controller, case, digest) if digest else None
        return "" if document is None else str(document["text"])

    def put_exhibit(self, controller: str, case: str, exhibit: dict[str, Any]) -> str:
        """Seal an exhibit; returns its hash.

        Raises:
            StorageError: the disk refuses.
        """
        return self._put(controller, case, {"exhibit": exhibit})

    def exhibits(self, controller: str, case: str) -> list[dict[str, Any]]:
        """Every exhibit of a case, in the order of their index.

        Raises:
            StorageError: one does not open.
        """
        found = []
        for path in self._files(controller, case):
            document = self._get(controller, case, path.name.removesuffix(_SUFFIX))
            if document is not None and "exhibit" in document:
                found.append(document["exhibit"])
        return sorted(found, key=lambda exhibit: (exhibit["shard"], exhibit["index"]))

    def _files(self, controller: str, case: str) -> list[Path]:
        folder = self._folder(controller, case)
        return sorted(folder.glob(f"*{_SUFFIX}"))[:MAX_DOCUMENTS] if folder.is_dir() else []

    def _folder(self, controller: str, case: str) -> Path:
        if not KEY_PATTERN.fullmatch(case):
            raise RefusedError("case_unknown")
        return self._root / controller / case

    def _put(self, controller: str, case: str, content: dict[str, Any]) -> str:
        document = json.dumps({**content, "salt": os.urandom(_SALT_BYTES).hex()}, sort_keys=True).encode()
        digest = sha256(document).hexdigest()
        key = self._keyring.case_key(controller, case)
        sealed = seal(key, purpose=f"case/{case}/{digest}", plaintext=document, nonce=os.urandom(NONCE_BYTES))
        write_new(self._folder(controller, case) / f"{digest}{_SUFFIX}", sealed)
        return digest

    def _get(self, controller: str, case: str, digest: str) -> dict[str, Any] | None:
        path = self._folder(controller, case) / f"{digest}{_SUFFIX}"
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read a document of a case: {error.strerror}") from error
        try:
            key = self._keyring.case_key(controller, case)
            plain = unseal(key, purpose=f"case/{case}/{digest}", sealed=sealed)
        except SealError as error:
            raise StorageError("a document of a case does not open: altered, or another key") from error
        if sha256(plain).hexdigest() != digest:
            raise StorageError("a document of a case is not the one that was recorded")
        document: dict[str, Any] = json.loads(plain)
        return document
