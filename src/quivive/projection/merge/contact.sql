-- The highest version of a contact is current, with its own legs and identities; touches of all versions stay.
CREATE OR REPLACE TEMP TABLE fresh_contact AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY contact_hi, contact_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_contact s
) WHERE nth = 1;
DELETE FROM fresh_contact f USING contact c
WHERE c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM contact c USING fresh_contact f WHERE c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo;
DELETE FROM leg c USING fresh_contact f WHERE c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo;
DELETE FROM contact_subject c USING fresh_contact f WHERE c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo;
INSERT INTO contact BY NAME SELECT * FROM fresh_contact;
INSERT INTO leg BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_leg s JOIN fresh_contact f
    ON s.contact_hi = f.contact_hi AND s.contact_lo = f.contact_lo AND s.version = f.version AND s.tie = f.tie;
INSERT INTO contact_subject BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_contact_subject s JOIN fresh_contact f
    ON s.contact_hi = f.contact_hi AND s.contact_lo = f.contact_lo AND s.version = f.version AND s.tie = f.tie;
CREATE OR REPLACE TEMP TABLE fresh_touch AS
SELECT DISTINCT s.* FROM staged_contact_touch s
WHERE NOT EXISTS (
    SELECT 1 FROM contact_touch t
    WHERE t.contact_hi = s.contact_hi AND t.contact_lo = s.contact_lo AND t.touched_at = s.touched_at
);
INSERT INTO contact_touch BY NAME SELECT * FROM fresh_touch;
INSERT INTO dirty_contact
SELECT contact_hi, contact_lo FROM fresh_contact UNION SELECT contact_hi, contact_lo FROM fresh_touch;
