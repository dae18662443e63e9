"""A relay that cannot start says so in one sentence; one that can, stops cleanly. The rest is in tests/integration."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from example_catalogue import CATALOGUE

from quivive.capture.relay import EXIT_CONFIGURATION, Relay, StartError, run_relay
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings
from quivive.spool.reader import SpoolReader
from quivive.spool.record import SpoolCursor


def settings_of(home: Path, **source: str) -> Settings:
    controller = ControllerSettings(
        id="aurore",
        name="Aurore",
        slot=1,
        catalogue=CATALOGUE,
        timezone="Europe/Paris",
        default_region="FR",
        lateness_s=30,
        contact_sources=(),
        retention_days={},
    )
    facts = {"listen": "127.0.0.1:0", "target": f"unix:{home}/nobody", **source}
    db = SourceSettings(kind=SourceKind.POSTGRES, controller="aurore", namespace="crm", **facts)  # type: ignore[arg-type]
    operator = OperatorSettings(name="Centre", origin="centre.example")
    return Settings(home=home, operator=operator, controllers={"aurore": controller}, sources={"db": db})


def with_keys(home: Path) -> Path:
    keys = home / "run" / "relay" / "db.json"
    keys.parent.mkdir(parents=True)
    keys.write_text(json.dumps({"key_id": "k1", "record": "11" * 32, "agent": "22" * 32}))
    keys.chmod(0o600)
    return home


def test_an_unknown_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that quivive.toml does not have ends with code 2 and a sentence."""
    assert run_relay(settings_of(tmp_path), "other") == EXIT_CONFIGURATION
    assert "names no source" in capsys.readouterr().err


def test_a_taken_port(tmp_path: Path) -> None:
    """A port that somebody listens on is told before anything else is opened."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        settings = settings_of(with_keys(tmp_path), listen=listen)
        with pytest.raises(StartError, match="cannot listen on"):
            asyncio.run(Relay(settings, "db", settings.sources["db"]).start())
    assert not (tmp_path / "spool").exists()


def test_without_keys(tmp_path: Path) -> None:
    """Without its pseudonym keys a relay does not start, rather than record nothing."""
    settings = settings_of(tmp_path)
    with pytest.raises(StartError):
        asyncio.run(Relay(settings, "db", settings.sources["db"]).start())


def test_a_second_relay_of_one_source(tmp_path: Path) -> None:
    """Two processes never write one spool."""
    settings = settings_of(with_keys(tmp_path))

    async def main() -> None:
        first = Relay(settings, "db", settings.sources["db"])
        await first.start()
        try:
            with pytest.raises(StartError, match="another process"):
                await Relay(settings, "db", settings.sources["db"]).start()
        finally:
            assert await first.stop() == 0

    asyncio.run(main())


def test_the_database_is_away(tmp_path: Path) -> None:
    """A client gets a proper error while the database is unreachable, and the relay ends cleanly with a heartbeat."""
    home = with_keys(tmp_path)
    settings = settings_of(home)

    async def main() -> bytes:
        relay = Relay(settings, "db", settings.sources["db"])
        await relay.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        body = (3 << 16).to_bytes(4, "big") + b"user\0app\0\0"
        writer.write((len(body) + 4).to_bytes(4, "big") + body)
        answer = await reader.read()
        writer.close()
        assert await relay.stop() == 0
        return answer

    assert b"08001" in asyncio.run(main())
    kinds = [event.kind.value for event in SpoolReader(home / "spool", "db").poll(SpoolCursor(source="db"), 100)]
    assert kinds[-1] == "heartbeat"
