"""Lines of a csvlog as PostgreSQL 15 writes them, for the tests of pgAudit."""


def csv_line(message, *, line=1, severity="LOG", state="00000", query="", session="6b03b06c.49c8", transaction="3/11"):
    def quoted(text):
        return '"' + text.replace('"', '""') + '"' if text else ""

    return (
        f'2026-11-23 02:11:42.125 UTC,"app_user","crm",18330,"10.0.0.9:37776",{session},{line},"SELECT",'
        f"2026-11-23 02:00:00 UTC,{transaction},0,{severity},{state},{quoted(message)},,,,,,{quoted(query)},,,"
        '"console","client backend",,0'
    )
