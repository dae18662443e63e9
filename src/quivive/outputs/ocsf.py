"""An access as an OCSF 1.3 Datastore Activity (class 6005), one JSON object a line.

Pure. Must never name an agent: the actor is the application.
"""

import json
from typing import Any, Final

from quivive.model.access import OCSF_ACTIVITY
from quivive.outputs.news import ToldAccess

CLASS_UID: Final = 6005
CATEGORY_UID: Final = 6
VERSION: Final = "1.3.0"
OTHER: Final = 99
NAMES: Final = {1: "Read", 2: "Update", 3: "Connect", 4: "Query", 6: "Create", 7: "Delete", 8: "List"}
_STATUS: Final = {"ok": (1, "Success"), "attempted": (2, "Failure")}


def ocsf_event(access: ToldAccess, product_version: str) -> dict[str, Any]:
    """The event; instants in milliseconds as the schema wants them."""
    activity = OCSF_ACTIVITY[access.action]
    name = access.action.value.capitalize() if activity == OTHER else NAMES[activity]
    status, status_name = _STATUS.get(access.outcome, (2, "Failure"))
    return {
        "activity_id": activity,
        "activity_name": name,
        "actor": {"app_name": access.program or "unknown"},
        "category_name": "Application Activity",
        "category_uid": CATEGORY_UID,
        "class_name": "Datastore Activity",
        "class_uid": CLASS_UID,
        "database": {"name": access.source, "type_id": 1, "type": "Relational"},
        "end_time": access.ended_at // 1_000,
        "metadata": {
            "product": {"name": "Quivive", "vendor_name": "Quivive", "version": product_version},
            "tenant_uid": access.controller,
            "uid": access.id,
            "version": VERSION,
        },
        "severity": "Informational",
        "severity_id": 1,
        "status": status_name,
        "status_detail": access.outcome,
        "status_id": status,
        "table": {"name": ", ".join(access.tables)},
        "time": access.at // 1_000,
        "type_name": f"Datastore Activity: {name}",
        "type_uid": CLASS_UID * 100 + activity,
        "unmapped": {
            "attributed": access.attributed,
            "coverage": access.coverage,
            "grade": access.grade,
            "records": access.records,
            "rows": access.rows,
        },
    }


def ocsf_line(access: ToldAccess, product_version: str) -> bytes:
    """The event as one line."""
    return json.dumps(ocsf_event(access, product_version), sort_keys=True, separators=(",", ":")).encode() + b"\n"
