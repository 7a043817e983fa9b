-- name: intend
INSERT INTO job (phase, object, operation, lane, state, rows_sent, aside, started_at)
VALUES (?, ?, ?, ?, 'intent', ?, ?, ?)
-- name: state
SELECT state FROM job WHERE id = ?
-- name: created
UPDATE job SET state = 'created', sf_id = ? WHERE id = ?
-- name: recreate
UPDATE job SET state = 'intent', sf_id = NULL WHERE id = ?
-- name: step
UPDATE job SET state = ? WHERE id = ?
-- name: finished
UPDATE job SET state = 'finished', processed = ?, failed = ?, error = ? WHERE id = ?
-- name: ended
UPDATE job SET state = ?, error = COALESCE(?, error), ended_at = ?, aside = NULL WHERE id = ?
-- name: unsettled
SELECT id, phase, object, operation, lane, state, sf_id, rows_sent, aside, processed, failed, error,
       started_at, ended_at FROM job WHERE state NOT IN ('harvested', 'abandoned') ORDER BY id
-- name: of_phase
SELECT id, phase, object, operation, lane, state, sf_id, rows_sent, NULL, processed, failed, error,
       started_at, ended_at FROM job WHERE phase = ? ORDER BY id
-- name: get
SELECT id, phase, object, operation, lane, state, sf_id, rows_sent, NULL, processed, failed, error,
       started_at, ended_at FROM job WHERE id = ?
-- name: sf_ids
SELECT sf_id FROM job WHERE sf_id IS NOT NULL
-- name: count
SELECT COUNT(*) FROM job WHERE sf_id IS NOT NULL
