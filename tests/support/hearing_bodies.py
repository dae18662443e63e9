"""Bodies of what a gate answered and of what happened, for tests of rows and of forgetting them."""

from traces import CONTROLLER, SECOND, T0, key

from quivive.model.recording import (
    AnswerBody,
    GateReason,
    ListeningBody,
    ListeningKind,
    ListeningReason,
    Medium,
    NonconformityBody,
    NonconformityKind,
    RecordingBody,
)

CALL, FILE, RECORDING = "c" * 32, "f" * 32, "1" * 32
ANSWER = AnswerBody(
    answer="a" * 32, controller=CONTROLLER, medium=Medium.RECORDING, allowed=True, reason=GateReason.PERMITTED,
    campaign="coaching", version=1, contact=CALL, agent=key("anna"), person=key("anna"), listener="", asked_at=T0,
    policy_at=T0, draw=3, day="20261123",
)  # fmt: skip
RECORDED = RecordingBody(
    recording=RECORDING, version=1, controller=CONTROLLER, campaign="", campaign_version=0, purpose="", answer="",
    contact=CALL, agent=key("anna"), person="", queue="assistance", started_at=T0 + SECOND, ended_at=0,
    call_ended_at=0, segments=(), announced=True, media_sha256="", location=FILE, size_bytes=0,
)  # fmt: skip
HEARD = ListeningBody(
    listening="2" * 32, version=1, controller=CONTROLLER, listening_kind=ListeningKind.PLAYBACK, campaign="",
    campaign_version=0, purpose="", reason=ListeningReason.COACHING, recording=FILE, contact="", agent="", person="",
    listener=key("boss"), listener_person="", principal="", started_at=T0 + 60 * SECOND, ended_at=0, heard_ms=9_000,
    case="",
)  # fmt: skip
FOUND = NonconformityBody(
    nonconformity="3" * 32, version=1, controller=CONTROLLER, nonconformity_kind=NonconformityKind.OUTSIDE_PERIOD,
    medium=Medium.LISTENING, campaign="coaching", recording="", listening="2" * 32, contact=CALL, person=key("anna"),
    aimed_at=key("boss"), happened_at=T0 + 60 * SECOND, found_at=T0 + 70 * SECOND, found=0, limit=0, closed_by="",
    closing_reference="",
)  # fmt: skip
