-- name: latest
SELECT number, digest, text, source, target, confirmed_by, confirmed_at FROM confirmation ORDER BY number DESC LIMIT 1
-- name: confirm
INSERT INTO confirmation (digest, text, source, target, confirmed_by, confirmed_at) VALUES (?, ?, ?, ?, ?, ?)
