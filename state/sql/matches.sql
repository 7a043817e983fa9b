-- name: learn
INSERT OR IGNORE INTO match_key (object, key, target_id, source_id) VALUES (?, ?, ?, ?)
-- name: lookup
SELECT key, target_id FROM match_key WHERE object = ? AND key IN (/*keys*/)
