"""The intake: batches of rows to durable entries. Above capture and contacts, beside nothing, below web."""

from quivive.intake.accept import Intake, IntakePorts, IntakeReport, SpoolPort
from quivive.intake.batch import IntakeKind
from quivive.intake.seen import SeenTable

__all__ = ["Intake", "IntakeKind", "IntakePorts", "IntakeReport", "SeenTable", "SpoolPort"]
