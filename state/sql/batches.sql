-- name: seal
INSERT INTO batch (phase, kind, object, lane, rows, size_bytes, file, crc, sealed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: ready
SELECT id, phase, kind, object, lane, rows, size_bytes, file, crc, state, job, sealed_at
FROM batch
WHERE phase = ? AND object = ? AND state = 'sealed' ORDER BY id
-- name: take
UPDATE batch SET state = 'taken', job = ? WHERE id = ? AND state = 'sealed'
-- name: release
UPDATE batch SET state = 'sealed', job = NULL WHERE job = ? AND state = 'taken'
-- name: done
UPDATE batch SET state = 'done' WHERE job = ?
-- name: of_job
SELECT id, phase, kind, object, lane, rows, size_bytes, file, crc, state, job, sealed_at
FROM batch
WHERE job = ? ORDER BY id
-- name: carry
INSERT OR IGNORE INTO carried (batch, job) VALUES (?, ?)
-- name: carried_by
SELECT id, phase, kind, object, lane, rows, size_bytes, file, crc, state, job, sealed_at
FROM batch WHERE id IN (SELECT batch FROM carried WHERE job = ?) ORDER BY id
-- name: jobs_of
SELECT job FROM carried WHERE batch = ? ORDER BY job
-- name: on_their_way
SELECT id, phase, kind, object, lane, rows, size_bytes, file, crc, state, job, sealed_at
FROM batch WHERE state != 'done' ORDER BY id
-- name: files
SELECT file FROM batch
-- name: finished_files
SELECT file, size_bytes FROM batch WHERE state = 'done'
-- name: open_bytes
SELECT COALESCE(SUM(size_bytes), 0) FROM batch WHERE state != 'done'
AND (?1 IS NULL OR phase IN (SELECT value FROM json_each(?1)))
-- name: totals
SELECT state, COUNT(*), SUM(rows), SUM(size_bytes) FROM batch WHERE phase = ? GROUP BY state
