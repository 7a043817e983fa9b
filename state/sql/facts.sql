-- name: get
SELECT value FROM fact WHERE key = ?
-- name: set
INSERT INTO fact (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
-- name: all
SELECT key, value FROM fact ORDER BY key
-- name: drop
DELETE FROM fact WHERE key = ?
