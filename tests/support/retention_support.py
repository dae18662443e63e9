"""A core with an old day and a new one, for tests of retention: who was seen, how it is written, when all is taken in."""

import time

import msgspec
from traces import CUSTOMER, access, contact, key

from quivive.core.retention_room import RetentionRoom
from quivive.model.clock import DAY_US, Micros, now_us, utc_day
from quivive.privacy.retention import day_start
from quivive.spool import SpoolWriter

NOW = now_us()
OLD = NOW - 400 * DAY_US
OLD_DAY = utc_day(Micros(OLD))


def customers(name, count=30):
    return [f"{name}-{n}" for n in range(count)]


def keys(name):
    return [key(customer) for customer in customers(name)]


def story():
    for name, at in (("old", day_start(OLD_DAY) + 1_000_000), ("new", NOW - DAY_US)):
        for n, customer in enumerate(customers(name)):
            yield access(f"{name}-{n}", at + n, [(CUSTOMER, customer)], source="api")
        yield contact(f"{name}-call", at=at + 100, started_at=at, subjects=[("phone", f"{name}-phone")], source="api")


def written(core, events, source="api"):
    spool = SpoolWriter.open(core.home / "spool", source, now_us())
    for each in events:
        body = msgspec.json.encode(each.body, order="sorted")
        spool.append(kind=each.kind, captured_at=each.at, controller=each.controller, key_id="k1", body=body)
    spool.sync()
    spool.abandon()


def room_of(core):
    return RetentionRoom(
        settings=core.settings, keyring=core.keyring, ledger=core.ledger, projection=core.projection,
        pipeline=core.pipeline, writer=core.writer, vault=core.vault, clock=lambda: NOW, ready=core.pipeline.caught_up,
    )  # fmt: skip


def until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
