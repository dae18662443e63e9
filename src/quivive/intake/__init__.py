"""The intake: batches of rows to durable entries. Above capture and contacts, below web and core."""

from quivive.intake.accept import Acceptor, IntakePorts, IntakeReport, SpoolPort
from quivive.intake.batch import IntakeKind
from quivive.intake.opening import Intake
from quivive.intake.seen import SeenTable

__all__ = ["Acceptor", "Intake", "IntakeKind", "IntakePorts", "IntakeReport", "SeenTable", "SpoolPort"]
