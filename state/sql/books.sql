-- name: add
INSERT INTO book (phase, account, reason, records) VALUES (?, ?, ?, ?)
ON CONFLICT (phase, account, reason) DO UPDATE SET records = records + excluded.records
-- name: read
SELECT account, reason, records FROM book WHERE phase = ?1
UNION ALL
SELECT 'row:' || state, reason, COUNT(*) FROM row WHERE phase = ?1 AND part = 0 AND change = 0
GROUP BY state, reason
UNION ALL
SELECT 'change:' || state, reason, COUNT(DISTINCT source_id) FROM row WHERE phase = ?1 AND change = 1
GROUP BY state, reason
-- name: in_part
SELECT state, reason, COUNT(DISTINCT source_id) FROM row AS later
WHERE phase = ?1 AND part > 0 AND change = 0 AND NOT EXISTS
    (SELECT 1 FROM row WHERE phase = ?1 AND source_id = later.source_id AND part = 0)
GROUP BY state, reason
-- name: forget
DELETE FROM book WHERE phase = ? AND account = ?
-- name: forget_reason
DELETE FROM book WHERE phase = ? AND account = ? AND reason = ?
