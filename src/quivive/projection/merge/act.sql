-- Acts of principals; one row per ledger entry.
INSERT INTO act BY NAME
SELECT DISTINCT s.* FROM staged_act s WHERE NOT EXISTS (SELECT 1 FROM act a WHERE a.entry = s.entry);
