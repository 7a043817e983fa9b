-- name: add
INSERT INTO book (phase, account, reason, records) VALUES (?, ?, ?, ?)
ON CONFLICT (phase, account, reason) DO UPDATE SET records = records + excluded.records
-- name: read
SELECT account, reason, records FROM book WHERE phase = ?
