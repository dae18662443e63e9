"""The port between codec and recorder is what both sides have."""

import inspect

from transcripts import Notes

from quivive.capture.recorder import Recorder
from quivive.wire.postgres.observer import Observer


def calls(of: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(member).parameters)
        for name, member in vars(of).items()
        if callable(member) and not name.startswith("_")
    }


def test_the_recorder_is_an_observer() -> None:
    """Every call of the port exists in the recorder, with the same parameters."""
    recorder = calls(Recorder)
    for name, parameters in calls(Observer).items():
        assert recorder[name] == parameters


def test_no_call_is_awaited() -> None:
    """The codec is plain calls: nothing of the port is a coroutine."""
    assert not any(inspect.iscoroutinefunction(getattr(Recorder, name)) for name in calls(Observer))


def test_the_tests_observe_the_same_port() -> None:
    """The observer of the codec tests knows every call but those of the short way."""
    assert set(calls(Observer)) - set(calls(Notes)) == {"quick_sent", "quick_done"}
