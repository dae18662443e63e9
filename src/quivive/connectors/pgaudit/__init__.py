"""pgAudit as the only source of a database: its server's log becomes access rows (docs/access-logs.md)."""
