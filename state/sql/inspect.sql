-- name: integrity
PRAGMA integrity_check(20)
-- name: batches
SELECT file, crc, state, phase FROM batch ORDER BY id
-- name: batch_state
SELECT state FROM batch WHERE file = ?
-- name: names_missing
SELECT COUNT(*) FROM crosswalk WHERE kind NOT IN (SELECT id FROM name)
    OR object NOT IN (SELECT id FROM name) OR origin NOT IN (SELECT id FROM name)
-- name: jobs_missing
SELECT COUNT(*) FROM crosswalk WHERE job != 0 AND job NOT IN (SELECT id FROM job)
-- name: batches_adrift
SELECT COUNT(*) FROM batch WHERE (state = 'sealed') != (job IS NULL)
    OR (job IS NOT NULL AND job NOT IN (SELECT id FROM job))
-- name: batches_ahead
SELECT COUNT(*) FROM batch JOIN job ON job.id = batch.job
WHERE batch.state = 'done' AND job.state != 'harvested'
-- name: batches_behind
SELECT COUNT(*) FROM batch JOIN job ON job.id = batch.job
WHERE batch.state = 'taken' AND job.state IN ('harvested', 'abandoned')
-- name: rows_adrift
SELECT COUNT(*) FROM row WHERE job IS NOT NULL
    AND job NOT IN (SELECT id FROM job WHERE state NOT IN ('harvested', 'abandoned'))
-- name: gates_early
SELECT COUNT(*) FROM gate WHERE phase IN (SELECT phase FROM batch WHERE state != 'done')
    OR phase IN (SELECT phase FROM job WHERE state NOT IN ('harvested', 'abandoned'))
    OR phase IN (SELECT phase FROM row WHERE state IN ('pending', 'waiting'))
-- name: book
SELECT account, reason, records FROM book WHERE phase = ?1
UNION ALL
SELECT 'row:' || state, reason, COUNT(*) FROM row WHERE phase = ?1 AND part = 0 AND change = 0
GROUP BY state, reason
-- name: made
SELECT origin.name, COUNT(*) FROM crosswalk
JOIN name AS kind ON kind.id = crosswalk.kind JOIN name AS origin ON origin.id = crosswalk.origin
WHERE kind.name = ? AND part = 0 AND job != 0 GROUP BY origin.name
-- name: made_under_way
SELECT COUNT(*) FROM crosswalk JOIN name ON name.id = crosswalk.kind
WHERE name.name = ? AND part = 0
    AND job IN (SELECT id FROM job WHERE state NOT IN ('harvested', 'abandoned'))
-- name: gate
SELECT source_count FROM gate WHERE phase = ?
