-- name: learn
INSERT OR IGNORE INTO address (token, source_id) VALUES (?, ?)
-- name: owners
SELECT token, source_id FROM address WHERE token IN (/*keys*/) ORDER BY token, source_id
