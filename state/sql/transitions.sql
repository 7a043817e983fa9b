-- name: begin
INSERT OR IGNORE INTO transition
    (phase, source_id, from_object, from_id, from_origin, to_object, to_id, step, began_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'made', ?8, ?8)
-- name: at
SELECT phase, source_id, from_object, from_id, from_origin, to_object, to_id, step, fate, stuck,
    began_at, updated_at
FROM transition WHERE phase = ? AND step = ? AND step != 'done' AND source_id > ?
ORDER BY source_id LIMIT ?
-- name: advance
UPDATE transition SET step = ?1, fate = ?2, stuck = '', updated_at = ?3
WHERE phase = ?4 AND source_id = ?5
-- name: stick
UPDATE transition SET stuck = ?1, updated_at = ?2 WHERE phase = ?3 AND source_id = ?4
-- name: find
SELECT phase, source_id, from_object, from_id, from_origin, to_object, to_id, step, fate, stuck,
    began_at, updated_at
FROM transition WHERE source_id = ? ORDER BY phase
-- name: sources_of
SELECT source_id FROM transition WHERE from_id = ? ORDER BY source_id
