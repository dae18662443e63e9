"""Claims on the logs of hosted applications: what each can show is told, what it cannot is not claimed."""

import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_support import NOW

from quivive.connectors.dry_run import dry_run, told
from quivive.connectors.model import Refusal
from quivive.connectors.reading.files import read_file
from quivive.connectors.registry import Context, open_translator
from quivive.contacts.directory import DirectoryContext
from quivive.intake.batch import SourceFacts
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.privacy.pseudonym import ControllerKeys
from quivive.privacy.subject import SubjectKeyer

TABLES = (
    "public.customer", "dataverse.contact", "salesforce.account", "salesforce.contact", "salesforce.case",
    "espocrm.contact", "suitecrm.contacts", "odoo.res_partner", "zendesk.users", "zendesk.tickets",
)  # fmt: skip
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=tuple(Table(name=name, kind=TableKind.PERSON, key=("id",)) for name in TABLES),
    not_protected=("dataverse.systemuser",),
)


def lines(*objects):
    return "\n".join(json.dumps(each) for each in objects) + "\n"


DATAVERSE = lines(
    {"TimeGenerated": "2026-11-22T14:05:00.1Z", "UserId": "C.Martin@centre.example", "Message": "RetrieveMultiple",
     "EntityName": "contact", "QueryResults": "0A000000-0000-0000-0000-000000000001, 0A000000-0000-0000-0000-000000000002",
     "SourceRecordId": "r1", "ClientIp": "192.0.2.7:51000", "ResultStatus": "Succeeded",
     "Query": "<fetch><filter attribute='lastname' value='Seeded'/></fetch>"},
    {"TimeGenerated": "2026-11-22T14:05:01Z", "UserId": "c.martin@centre.example", "Message": "Retrieve",
     "EntityName": "contact", "EntityId": "0A000000-0000-0000-0000-000000000001", "SourceRecordId": "r2", "ClientIp": "2001:db8::1"},
    {"TimeGenerated": "2026-11-22T14:05:02Z", "UserId": "c.martin@centre.example", "Message": "ExportToExcel",
     "EntityName": "contact", "EntityId": "00000000-0000-0000-0000-000000000000", "SourceRecordId": "r3"},
    {"TimeGenerated": "2026-11-22T14:05:03Z", "UserId": "c.martin@centre.example", "Message": "UserSignIn", "SourceRecordId": "r4"},
)  # fmt: skip
URI = """"EVENT_TYPE","TIMESTAMP","REQUEST_ID","USER_ID_DERIVED","URI","URI_ID_DERIVED","TIMESTAMP_DERIVED","CLIENT_IP"
"URI","20261122140500.000","q1","005000000000001AAA","/0030000000000AB","0030000000000ABAAV","2026-11-22T14:05:00.000Z","192.0.2.7"
"URI","20261122140501.000","q2","005000000000001AAA","/home/home.jsp","","2026-11-22T14:05:01.000Z","Salesforce.com IP"
"""
LIGHTNING = lines(
    {"EventIdentifier": "e1", "EventDate": "2026-11-22T14:05:00.000Z", "UserId": "005000000000001AAA",
     "RecordId": "0010000000000ABAAV", "Operation": "Read", "SourceIp": "192.0.2.7"},
    {"EventIdentifier": "e2", "EventDate": "2026-11-22T14:05:01.000Z", "UserId": "005000000000001AAA",
     "RecordId": "5000000000000ABAAV", "Operation": "Update", "SourceIp": "Salesforce.com IP"},
)  # fmt: skip
API = """"EVENT_TYPE","REQUEST_ID","USER_ID_DERIVED","ENTITY_NAME","ROWS_PROCESSED","TIMESTAMP_DERIVED","CLIENT_IP"
"API","q1","005000000000001AAA","Contact","2000","2026-11-22T14:05:00.000Z","192.0.2.7"
"API","q2","005000000000001AAA","Contact;Account","10","2026-11-22T14:05:00.000Z","192.0.2.7"
"""
EXPORT = """"EVENT_TYPE","REQUEST_ID","USER_ID_DERIVED","TIMESTAMP_DERIVED","CLIENT_IP","REPORT_DESCRIPTION"
"ReportExport","q1","005000000000001AAA","2026-11-22T14:05:00.000Z","192.0.2.7","Seeded report"
"""
ESPO = """id,action,targetType,targetId,userName,createdAt,ipAddress
1,read,Contact,64ab,c.martin,2026-11-22 14:05:00,192.0.2.7
2,update,Contact,64ab,c.martin,2026-11-22 14:06:00,192.0.2.7
3,read,Meeting,99,c.martin,2026-11-22 14:07:00,192.0.2.7
"""
SUITE = """id,monitor_id,user_id,module_name,item_id,item_summary,date_modified,action,session_id,visible
1,m1,7,Contacts,c-9,Seeded Name,2026-11-22 14:05:00,detailview,s,1
2,m2,7,Contacts,c-9,Seeded Name,2026-11-22 14:06:00,save,s,1
"""
ODOO = """id,create_date,user_id/login,model_id/model,res_id,method
1,2026-11-22 14:05:00,c.martin,res.partner,42,read
2,2026-11-22 14:06:00,c.martin,res.partner,42,write
"""
CRM = """Id;Date;User;Action;Record;Rows;Address
1;22/11/2026 15:05:00;c.martin;Consultation;42;;192.0.2.7
2;22/11/2026 15:06:00;c.martin;Recherche;;40;192.0.2.7
"""
ZENDESK = lines(
    {"id": "z1", "timestamp": "2026-11-22T14:05:00Z", "user_id": "900", "ip_address": "192.0.2.7", "method": "GET",
     "url": "/api/v2/users/31.json", "status": 200, "bytes_sent": 900, "graphql": None},
    {"id": "z2", "timestamp": "2026-11-22T14:05:01Z", "user_id": "900", "ip_address": "192.0.2.7", "method": "GET",
     "url": "/api/v2/search.json?query=Seeded", "status": 200},
    {"id": "z3", "timestamp": "2026-11-22T14:05:02Z", "user_id": "900", "ip_address": "192.0.2.7", "method": None,
     "url": None, "graphql": "query seeded { customer }", "status": 200},
    {"id": "z4", "timestamp": "2026-11-22T14:05:03Z", "user_id": "900", "ip_address": "192.0.2.7", "method": "GET",
     "url": "/api/v2/tickets/77", "status": 404},
)  # fmt: skip
SAMPLES = {
    "dataverse": DATAVERSE, "salesforce-uri": URI, "salesforce-lightning": LIGHTNING, "salesforce-api": API,
    "salesforce-report-export": EXPORT, "espocrm": ESPO, "suitecrm-tracker": SUITE, "odoo-auditlog": ODOO,
    "crm-log": CRM, "zendesk-access-log": ZENDESK,
}  # fmt: skip
EXPECTED = {
    "dataverse": [("list", "exact", 2), ("read", "exact", 1), ("export", "count_only", 0)],
    "salesforce-uri": [("read", "predicate", 1)],
    "salesforce-lightning": [("read", "predicate", 1), ("update", "predicate", 1)],
    "salesforce-api": [("list", "count_only", 0)],
    "salesforce-report-export": [("export", "opaque", 0)],
    "espocrm": [("read", "predicate", 1), ("update", "predicate", 1)],
    "suitecrm-tracker": [("read", "predicate", 1), ("update", "predicate", 1)],
    "odoo-auditlog": [("read", "predicate", 1), ("update", "predicate", 1)],
    "crm-log": [("read", "exact", 1), ("list", "count_only", 0)],
    "zendesk-access-log": [("read", "predicate", 1), ("list", "count_only", 0), ("read", "count_only", 0)],
}


def facts():
    keys = ControllerKeys(key_id="k", record=os.urandom(32), agent=os.urandom(32))
    return SourceFacts(
        name="crm",
        namespace="crm",
        grade=Grade.D,
        controllers={"aurore": SubjectKeyer(keys=keys, catalogue=CATALOGUE, region="FR")},
        default="aurore",
        directory=DirectoryContext(operator_agent_key=os.urandom(32), controllers={"aurore": keys}),
        operator_key_id="k",
    )


def opened(name):
    return open_translator(name, Context(source="crm", controller="aurore", namespace="crm", catalogue=CATALOGUE))


def values(name, data):
    feed = opened(name)
    found = [*feed.translator.feed(read_file(data, feed.format).records, NOW), *feed.translator.close(NOW)]
    return [each.value for each in found if not isinstance(each, Refusal)]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_through_the_mappers_of_the_intake(name):
    """Rows are taken by the real intake; what a line does not show is skipped on purpose, and no name gets through."""
    result = dry_run(opened(name), SAMPLES[name].encode(), NOW, facts())
    assert (result.refused, result.problem, result.clock) == ((), "", "")
    assert result.accepted == len(EXPECTED[name])
    assert "Seeded" not in repr(result) + "\n".join(told(result))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_log_can_show(name):
    """Action, coverage and records of each row; exact only where the log holds the records returned."""
    rows = values(name, SAMPLES[name].encode())
    shown = []
    for row in rows:
        records = len(row.get("records", ())) + len(row.get("keys") or ())
        shown.append((row["action"], row.get("coverage") or ("exact" if records else "count_only"), records))
    assert shown == EXPECTED[name]
    assert all(row["agent"] and "Seeded" not in repr(row) for row in rows)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_preset_states_its_grade_and_lateness(name):
    """None claims the wire's grade; each says how late it comes."""
    feed = opened(name)
    assert feed.grade in {Grade.B, Grade.C, Grade.D}
    assert feed.lateness_s >= 600


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=15, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_shuffled_and_delivered_twice(name, chance: random.Random):
    """The same rows under the same ids, in any order."""
    head, *body = SAMPLES[name].splitlines()
    if head.startswith("{"):
        head, body = "", [head, *body]
    whole = {row["id"]: row for row in values(name, SAMPLES[name].encode())}
    body = body * 2
    chance.shuffle(body)
    mixed = "\n".join([head, *body] if head else body) + "\n"
    assert {row["id"]: row for row in values(name, mixed.encode())} == whole


def test_addresses_are_addresses():
    """A port is cut, a word is left out: the intake refuses anything else."""
    assert [row.get("address") for row in values("dataverse", DATAVERSE.encode())] == ["192.0.2.7", "2001:db8::1", None]
    assert [row.get("address") for row in values("salesforce-lightning", LIGHTNING.encode())] == ["192.0.2.7", None]


def test_a_renamed_column_is_told_at_once():
    """Before any row: which column was expected."""
    result = dry_run(opened("espocrm"), ESPO.replace("targetId", "target").encode(), NOW, facts())
    assert "targetId" in result.problem
    assert result.accepted == 0


def test_undeclared_entities_are_refused_not_lost():
    """A table the catalogue does not have is said with its row; the good rows stay."""
    other = DATAVERSE.replace('"contact"', '"opportunity"', 1)
    result = dry_run(opened("dataverse"), other.encode(), NOW, facts())
    assert [(each.number, each.field) for each in result.refused] == [(1, "EntityName")]
    assert result.accepted == 2


def test_windows_text_and_a_clock_ahead():
    """cp1252 is read as such; lines from the future are refused, and the clock is doubted."""
    text = CRM.replace("c.martin;Recherche", "hélène;Recherche")
    rows = values("crm-log", text.encode("cp1252"))
    assert rows[1]["agent"] == "hélène"
    ahead = CRM.replace("22/11/2026", "22/11/2036")
    result = dry_run(opened("crm-log"), ahead.encode(), NOW, facts())
    assert result.accepted == 0
    assert result.refused_total == 2
    assert result.clock
