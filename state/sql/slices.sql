-- name: add
INSERT INTO slice (phase, number, spec) VALUES (?, ?, ?)
-- name: of
SELECT phase, number, spec, done FROM slice WHERE phase = ? ORDER BY number
-- name: done_pages
SELECT page FROM slice_page WHERE phase = ? AND number = ?
-- name: page_done
INSERT OR IGNORE INTO slice_page (phase, number, page) VALUES (?, ?, ?)
-- name: finish
UPDATE slice SET done = 1 WHERE phase = ? AND number = ?
-- name: drop_pages
DELETE FROM slice_page WHERE phase = ? AND number = ?
-- name: forget_pages
DELETE FROM slice_page WHERE phase = ?
-- name: forget
DELETE FROM slice WHERE phase = ?
-- name: reopen
UPDATE slice SET done = 0 WHERE phase = ?
