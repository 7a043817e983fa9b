-- name: learn
INSERT INTO supplied (kind, source_id, payload) VALUES (?, ?, ?)
ON CONFLICT (kind, source_id) DO UPDATE SET payload = excluded.payload
-- name: of
SELECT source_id, payload FROM supplied WHERE kind = ? AND source_id IN (/*keys*/)
-- name: forget
DELETE FROM supplied WHERE kind = ? AND source_id = ?
