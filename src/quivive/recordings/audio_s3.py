"""Audio in an S3-compatible bucket, through boto3 (extra `s3`).

Opened by `recordings.stores`. Must never take a delete marker for a removal: in a bucket with versions an object is
gone when its last version is. Keys of the bucket come from a file, one on each line, never from the configuration.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from quivive.audio_settings import AudioSettings
from quivive.model.audio import AudioFailure
from quivive.model.errors import ConfigurationError
from quivive.recordings.audio import READ_BYTES, AudioAbsentError, AudioObject, AudioUnreachableError, Scan

MAX_BATCH: Final = 1_000
"""Versions of one request of removal: the protocol's own limit."""
CONNECT_S: Final = 5
READ_S: Final = 30
ATTEMPTS: Final = 4
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
_NO_VERSIONS: Final = frozenset({"NotImplemented", "501", "MethodNotAllowed", "XNotImplemented"})


def open_bucket(name: str, settings: AudioSettings, home: Path) -> "S3Store":
    """Open a bucket.

    Raises:
        ConfigurationError: boto3 is not installed, or the file of the keys is wrong.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra: an installation without a bucket does without it
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            file="quivive.toml", key=f"audio.{name}.kind", expected="boto3 (pip install quivive[s3])", found="nothing"
        ) from None
    key, secret = _secret(name, settings, home)
    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint or None,
        region_name=settings.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if settings.endpoint else "auto"},
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return S3Store(name, client, settings.bucket, settings.prefix, settings.endings)


def _secret(name: str, settings: AudioSettings, home: Path) -> tuple[str | None, str | None]:
    """Access key and secret, one a line; none: boto3 looks in its own places (environment, instance)."""
    if not settings.secret_file:
        return None, None
    try:
        lines = (home / settings.secret_file).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        lines = []
    if len(lines) != 2:
        raise ConfigurationError(
            file="quivive.toml",
            key=f"audio.{name}.secret_file",
            expected="a file of two lines: access key, secret",
            found="another content",
        )
    return lines[0], lines[1]


class S3Store:
    """One bucket, or what stands under one prefix of it."""

    declared = False

    def __init__(self, name: str, client: Any, bucket: str, prefix: str, suffixes: Sequence[str]) -> None:
        self.name = name
        self._client, self._bucket, self._prefix, self._suffixes = client, bucket, prefix, tuple(suffixes)
        self._versions: dict[str, list[str]] = {}
        """Of the last scan: every version and delete marker of an object; [] where the bucket keeps none."""

    def mark(self) -> None:
        """Nothing to leave: a bucket that is not there says so."""

    def scan(self, at: int, *, marked: bool = False) -> Scan:
        """List every object, those only kept as old versions included.

        Raises:
            AudioUnreachableError: the bucket does not answer, or may not be listed.
        """
        del marked
        found: dict[str, AudioObject] = {}
        versions: dict[str, list[str]] = {}
        others = set[str]()
        with _Told(self.name):
            pages = self._version_pages() if self._versioned() else self._plain_pages()
            for path, size, modified, version, marker in pages:
                if not path.lower().endswith(self._suffixes):
                    others.add(path)
                    continue
                versions.setdefault(path, []).extend([version] if version else [])
                if marker:
                    continue
                known = found.get(path)
                newest = known is None or modified > known.modified_at
                found[path] = AudioObject(
                    path=path,
                    size_bytes=size if known is None or newest else known.size_bytes,
                    modified_at=modified if known is None or newest else known.modified_at,
                    versions=1 if known is None else known.versions + 1,
                )
        self._versions = versions
        objects = tuple(found[path] for path in sorted(found))
        return Scan(store=self.name, at=at, objects=objects, others=len(others), declared=False)

    def _versioned(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            return bool(self._client.get_bucket_versioning(Bucket=self._bucket).get("Status"))
        except ClientError as error:
            if _code(error) in _NO_VERSIONS:
                return False
            raise

    def _plain_pages(self) -> Iterator[tuple[str, int, int, str, bool]]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            for each in page.get("Contents", ()):
                yield str(each["Key"]), int(each["Size"]), _micros(each["LastModified"]), "", False

    def _version_pages(self) -> Iterator[tuple[str, int, int, str, bool]]:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            for each in page.get("Versions", ()):
                at = _micros(each["LastModified"])
                yield str(each["Key"]), int(each["Size"]), at, str(each["VersionId"]), False
            for each in page.get("DeleteMarkers", ()):
                yield str(each["Key"]), 0, _micros(each["LastModified"]), str(each["VersionId"]), True

    def digest(self, path: str) -> str:
        """Hash the content of the current version."""
        counted = sha256()
        for block in self.read(path, 0, 1 << 62):
            counted.update(block)
        return counted.hexdigest()

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Read a stretch of one object; of one that only old versions keep, the newest of them."""
        if start >= end:
            return
        with _Told(self.name):
            wanted: dict[str, Any] = {"Bucket": self._bucket, "Key": path}
            if start or end < 1 << 62:
                wanted["Range"] = f"bytes={start}-{end - 1}"
            try:
                body = self._client.get_object(**wanted)["Body"]
            except Exception as error:
                if _code(error) in _ABSENT:
                    raise AudioAbsentError("the recording is no longer there") from None
                raise
            try:
                yield from body.iter_chunks(READ_BYTES)
            finally:
                body.close()

    def delete(self, paths: Sequence[str]) -> dict[str, AudioFailure]:
        """Remove objects, all their versions and markers, a thousand a request."""
        wanted: list[dict[str, str]] = []
        for path in paths:
            versions = self._versions.get(path) or []
            wanted.extend({"Key": path, "VersionId": version} for version in versions)
            if not versions:
                wanted.append({"Key": path})
        failed: dict[str, AudioFailure] = {}
        for begin in range(0, len(wanted), MAX_BATCH):
            batch = wanted[begin : begin + MAX_BATCH]
            failed.update(self._batch(batch))
        return failed

    def _batch(self, batch: list[dict[str, str]]) -> dict[str, AudioFailure]:
        try:
            with _Told(self.name):
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
        except AudioUnreachableError:
            return dict.fromkeys((each["Key"] for each in batch), AudioFailure.UNREACHABLE)
        return {
            str(each["Key"]): _failure(str(each.get("Code", "")))
            for each in answer.get("Errors", ())
            if str(each.get("Code", "")) not in _ABSENT
        }


def _failure(code: str) -> AudioFailure:
    if code in {"ObjectLocked", "InvalidObjectState"} or "Lock" in code or "Retention" in code:
        return AudioFailure.LOCKED
    return AudioFailure.REFUSED if code in {"AccessDenied", "Forbidden", "403"} else AudioFailure.UNREACHABLE


def _micros(when: Any) -> int:
    return int(when.timestamp() * 1_000_000)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


class _Told:
    """Turns what boto3 raises into one error that names the store and a code, never a key of the bucket."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        if isinstance(error, (BotoCoreError, ClientError)):
            told = _code(error) or type(error).__name__
            raise AudioUnreachableError(f"audio store {self._name} does not answer ({told})") from None
