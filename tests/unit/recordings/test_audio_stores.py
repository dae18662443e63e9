"""A folder and a bucket under one contract: list, read, remove with every version, look again."""

import hashlib
import os

import boto3
import pytest
from moto.server import ThreadedMotoServer

from quivive.audio_settings import AudioKind, AudioSettings
from quivive.connectors.registry import Context
from quivive.model.audio import AudioFailure
from quivive.recordings.audio import AudioAbsentError, AudioUnreachableError
from quivive.recordings.audio_folder import MARK, FolderStore
from quivive.recordings.audio_listing import ListingStore
from quivive.recordings.audio_s3 import open_bucket

SOUND = bytes(range(256)) * 400
NOW = 1_795_356_300_000_000


class Folder:
    """A store in a folder, and a way to put things there."""

    def __init__(self, tmp_path):
        self.root = tmp_path / "monitor"
        self.root.mkdir()
        self.store = FolderStore("recorder", self.root, (".wav",))

    def put(self, path, data=SOUND):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)


class Bucket:
    """A store in a bucket of a real server on a real socket."""

    def __init__(self, tmp_path, address, versioned):
        (tmp_path / "secret").write_text("access\nsecret\n")
        self.client = boto3.client(
            "s3", endpoint_url=address, aws_access_key_id="access", aws_secret_access_key="secret", region_name="us-east-1"
        )  # fmt: skip
        self.name = f"sound{'-versions' if versioned else ''}-{tmp_path.name.replace('_', '-').lower()}"[:60].rstrip(
            "-"
        )
        self.client.create_bucket(Bucket=self.name)
        if versioned:
            self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        settings = AudioSettings(
            kind=AudioKind.S3, endpoint=address, bucket=self.name, secret_file="secret", suffixes=(".wav",)
        )
        self.store = open_bucket("recorder", settings, tmp_path)

    def put(self, path, data=SOUND):
        self.client.put_object(Bucket=self.name, Key=path, Body=data)


@pytest.fixture(scope="module")
def server():
    """An S3 server; moto's, since MinIO's is no longer kept."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket", "versions"])
def place(request, tmp_path):
    """Every store we reach."""
    if request.param == "folder":
        return Folder(tmp_path)
    return Bucket(tmp_path, request.getfixturevalue("server"), request.param == "versions")


def paths(store):
    return [each.path for each in store.scan(NOW).objects]


def test_a_store_lists_its_sound_and_counts_the_rest(place):
    """Sorted by name, with size and date; another ending is counted, never judged."""
    place.put("2026/11/b.wav", SOUND[:10])
    place.put("2026/11/A.WAV")
    place.put("notes.txt")
    scan = place.store.scan(NOW)
    assert [(each.path, each.size_bytes) for each in scan.objects] == [
        ("2026/11/A.WAV", len(SOUND)),
        ("2026/11/b.wav", 10),
    ]
    assert all(each.modified_at > 1_700_000_000_000_000 for each in scan.objects)
    assert (scan.others, scan.declared) == (1, False)


def test_a_stretch_is_read_and_the_whole_hashed(place):
    """Bytes [start, end), over several blocks; an end beyond the file is its end."""
    place.put("a.wav")
    assert b"".join(place.store.read("a.wav", 100, 90_000)) == SOUND[100:90_000]
    assert b"".join(place.store.read("a.wav", len(SOUND) - 5, len(SOUND) + 5)) == SOUND[-5:]
    assert place.store.digest("a.wav") == hashlib.sha256(SOUND).hexdigest()


def test_what_is_not_there_is_told_as_such(place):
    """Absent to a reader; removing it again is no failure."""
    place.put("a.wav")
    with pytest.raises(AudioAbsentError):
        list(place.store.read("x/none.wav", 0, 10))
    assert place.store.delete(["x/none.wav"]) == {}


def test_what_was_removed_is_gone_with_every_version(place):
    """Written three times and removed by somebody else once: still kept by a bucket with versions, until we remove it."""
    for data in (SOUND, SOUND[:100], SOUND[:50]):
        place.put("2026/a.wav", data)
    place.put("2026/b.wav")
    assert paths(place.store) == ["2026/a.wav", "2026/b.wav"]
    if isinstance(place, Bucket):
        place.client.delete_object(Bucket=place.name, Key="2026/a.wav")
        expected = ["2026/a.wav", "2026/b.wav"] if "versions" in place.name else ["2026/b.wav"]
        assert paths(place.store) == expected
    assert place.store.delete(["2026/a.wav"]) == {}
    assert paths(place.store) == ["2026/b.wav"]
    if isinstance(place, Bucket) and "versions" in place.name:
        assert "a.wav" not in str(place.client.list_object_versions(Bucket=place.name))


def test_a_thousand_and_one_objects_take_two_requests(place):
    """The protocol's own limit of one request is no limit of ours."""
    for number in range(1_001):
        place.put(f"{number:05}.wav", b"x")
    assert len(paths(place.store)) == 1_001
    assert place.store.delete(paths(place.store)) == {}
    assert paths(place.store) == []


def test_a_bucket_that_is_gone_is_no_empty_bucket(server, tmp_path):
    """Nothing listed because nothing answers is an error, never an absence; the error names no object."""
    place = Bucket(tmp_path, server, False)
    place.put("0199000001.wav")
    place.store.scan(NOW)
    place.client.delete_object(Bucket=place.name, Key="0199000001.wav")
    place.client.delete_bucket(Bucket=place.name)
    with pytest.raises(AudioUnreachableError, match=r"audio store recorder does not answer \(NoSuchBucket\)"):
        place.store.scan(NOW)
    assert place.store.delete(["0199000001.wav"]) == {"0199000001.wav": AudioFailure.UNREACHABLE}


def test_an_object_under_lock_is_reported(server, tmp_path):
    """Write-once storage refuses its removal: told as locked or refused, and still listed."""
    place = Bucket(tmp_path, server, True)
    place.client.create_bucket(Bucket=f"{place.name}-l"[:60], ObjectLockEnabledForBucket=True)
    locked = open_bucket(
        "locked",
        AudioSettings(
            kind=AudioKind.S3, endpoint=server, bucket=f"{place.name}-l"[:60], secret_file="secret", suffixes=(".wav",)
        ),
        tmp_path,
    )
    place.client.put_object(
        Bucket=f"{place.name}-l"[:60], Key="a.wav", Body=SOUND, ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate="2099-01-01T00:00:00Z",
    )  # fmt: skip
    assert paths(locked) == ["a.wav"]
    assert locked.delete(["a.wav"]).get("a.wav") in (AudioFailure.LOCKED, AudioFailure.REFUSED)
    assert paths(locked) == ["a.wav"]


def test_a_folder_follows_no_link(tmp_path):
    """Neither to list nor to remove: what lies elsewhere stays where it is."""
    place = Folder(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.wav").write_bytes(SOUND)
    (place.root / "day").symlink_to(tmp_path / "elsewhere")
    (place.root / "y.wav").symlink_to(tmp_path / "elsewhere" / "x.wav")
    scan = place.store.scan(NOW)
    assert scan.objects == ()
    assert scan.others == 2
    assert place.store.delete(["day/x.wav", "y.wav"]) == {
        "day/x.wav": AudioFailure.UNREACHABLE, "y.wav": AudioFailure.CHANGED,
    }  # fmt: skip
    assert (tmp_path / "elsewhere" / "x.wav").exists()


def test_an_unmounted_share_is_no_empty_folder(tmp_path):
    """After the first plan the folder carries a sign; without it nothing is concluded from what is not listed."""
    place = Folder(tmp_path)
    place.store.mark()
    assert place.store.scan(NOW, marked=True).objects == ()
    (place.root / MARK).unlink()
    with pytest.raises(AudioUnreachableError):
        place.store.scan(NOW, marked=True)


def test_a_file_that_may_not_be_removed_is_reported(tmp_path, monkeypatch):
    """A refusal of the system is a failure of one object, not of the run."""
    place = Folder(tmp_path)
    place.put("a.wav")
    place.put("b.wav")
    real = os.unlink

    def unlink(name, **more):
        if name == "a.wav":
            raise PermissionError(13, "Permission denied")
        real(name, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    assert place.store.delete(["a.wav", "b.wav"]) == {"a.wav": AudioFailure.REFUSED}
    assert paths(place.store) == ["a.wav"]


def test_a_vendors_listing_is_a_word_not_a_look(tmp_path):
    """The newest file counts, with its own date; nothing is read or removed; a row that cannot be read ends it."""
    folder = tmp_path / "in"
    folder.mkdir()
    store = ListingStore("cloud", folder, "recordings-listing", Context(source="cloud", controller="aurore"))
    with pytest.raises(AudioUnreachableError):
        store.scan(NOW)
    head = "Recording;File;Call ID;Campaign;Started;Duration;Size\n"
    (folder / "old.csv").write_text(head + "R-1;r1.wav;C-1;q;12/05/2026 14:04:50;00:02:10;100\n")
    os.utime(folder / "old.csv", (1_795_000_000, 1_795_000_000))
    (folder / "new.csv").write_text(head + "R-2;r2.wav;C-2;q;12/05/2026 14:04:50;00:02:10;100\n")
    os.utime(folder / "new.csv", (1_795_100_000, 1_795_100_000))
    scan = store.scan(NOW)
    assert (scan.declared, scan.at) == (True, 1_795_100_000_000_000)
    (one,) = scan.objects
    assert one.path == "r2.wav"
    assert one.told["contact"] == "C-2"
    assert int(one.told["ended_at"]) - int(one.told["started_at"]) == 130_000_000
    assert store.delete(["r2.wav"]) == {"r2.wav": AudioFailure.REFUSED}
    with pytest.raises(AudioAbsentError):
        store.read("r2.wav", 0, 1)
    (folder / "later.csv").write_text(head + "R-3;r3.wav;C-3;q;never;00:02:10;100\n")
    with pytest.raises(AudioUnreachableError, match="row 2"):
        store.scan(NOW)
