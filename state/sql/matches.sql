-- name: learn
INSERT OR IGNORE INTO match_key (object, key, target_id, source_id) VALUES (?, ?, ?, ?)
-- name: offer
INSERT OR IGNORE INTO match_candidate (object, key, target_id) VALUES (?, ?, ?)
-- name: lookup
SELECT key, target_id FROM match_key WHERE object = ? AND key IN (/*keys*/)
-- name: candidates
SELECT key, target_id FROM match_candidate WHERE object = ? AND key IN (/*keys*/) ORDER BY key, target_id
-- name: takers
SELECT target_id, source_id FROM match_key WHERE object = ? AND key IN (/*keys*/)
-- name: decide
INSERT INTO match_decision (phase, source_id, target_id, decided_by, decided_at)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (phase, source_id) DO UPDATE SET target_id = excluded.target_id,
    decided_by = excluded.decided_by, decided_at = excluded.decided_at
-- name: decisions
SELECT source_id, target_id FROM match_decision WHERE phase = ? AND source_id IN (/*keys*/)
-- name: decided
SELECT phase, source_id, target_id, decided_by, decided_at FROM match_decision ORDER BY phase, source_id
