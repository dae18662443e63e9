-- Counts of statements without an entry of their own; one row per ledger entry.
INSERT INTO statement_count BY NAME
SELECT DISTINCT s.* FROM staged_statement_count s
WHERE NOT EXISTS (SELECT 1 FROM statement_count c WHERE c.entry = s.entry);
