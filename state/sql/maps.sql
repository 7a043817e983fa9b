-- name: current
SELECT number, digest, form, accepted_by, accepted_at, text FROM map ORDER BY number DESC LIMIT 1
-- name: accept
INSERT INTO map (digest, form, accepted_by, accepted_at, text) VALUES (?, ?, ?, ?, ?)
-- name: set_form
UPDATE map SET form = ? WHERE number = ?
-- name: history
SELECT number, digest, form, accepted_by, accepted_at, text FROM map ORDER BY number
