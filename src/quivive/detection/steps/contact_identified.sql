-- Contacts that name a customer. A telephone number that leads to nobody, or to more than ten, names none.
SELECT DISTINCT controller, contact_hi, contact_lo FROM contact_identity WHERE identifies = 1
