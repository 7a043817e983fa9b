-- Which maps rows were made with, and what is needed to send rows again and to tell their way.

-- `form`: a digest of the columns that the map came to in the org; '' when not known.
CREATE TABLE map (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    form TEXT NOT NULL,
    accepted_by TEXT NOT NULL,
    accepted_at REAL NOT NULL
);
INSERT INTO map (number, digest, form, accepted_by, accepted_at)
    SELECT 1, value, '', 'migrate', 0 FROM fact WHERE key = 'mapping_digest';
DELETE FROM fact WHERE key = 'mapping_digest';

-- `object` and `map`: what the payload was made for, and by which map; '' and NULL when it was not
-- made yet. `tries`: sendings since a person last asked for it; `attempts`: all sendings.
-- `asked`: the reason it had when a `retry` took it up, in the run `asked_run`.
ALTER TABLE row ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE row ADD COLUMN map INTEGER;
ALTER TABLE row ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE row ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE row ADD COLUMN slice INTEGER;
ALTER TABLE row ADD COLUMN page INTEGER;
ALTER TABLE row ADD COLUMN asked TEXT;
ALTER TABLE row ADD COLUMN asked_run INTEGER;
UPDATE row SET
    object = COALESCE(json_extract(CAST(payload AS TEXT), '$.object'), ''),
    map = (SELECT MAX(number) FROM map),
    tries = COALESCE(json_extract(CAST(payload AS TEXT), '$.attempts'), 0),
    attempts = COALESCE(json_extract(CAST(payload AS TEXT), '$.attempts'), 0)
    WHERE json_valid(CAST(payload AS TEXT));
CREATE INDEX row_by_asking ON row (asked_run) WHERE asked_run IS NOT NULL;

ALTER TABLE batch ADD COLUMN sealed_at REAL;

-- Every job that ever carried a batch, the abandoned ones too.
CREATE TABLE carried (
    batch INTEGER NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (batch, job)
) WITHOUT ROWID;
CREATE INDEX carried_by_job ON carried (job);
INSERT INTO carried (batch, job) SELECT id, job FROM batch WHERE job IS NOT NULL;

-- What a job came to for a row that did not go the straight way; '' while that is not known.
CREATE TABLE sending (
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    job INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (phase, source_id, part, job)
) WITHOUT ROWID;
CREATE INDEX sending_by_outcome ON sending (outcome);
INSERT OR IGNORE INTO sending (phase, source_id, part, job, outcome)
    SELECT phase, source_id, part, job, '' FROM row WHERE job IS NOT NULL;
