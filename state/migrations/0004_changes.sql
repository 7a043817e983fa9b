-- Changes of records that are in Salesforce already, and the text of each accepted map.

-- `change`: the row changes a record that the crosswalk knows; it is no record of its own in the books.
ALTER TABLE row ADD COLUMN change INTEGER NOT NULL DEFAULT 0;

-- '' for maps of which only the digest is known.
ALTER TABLE map ADD COLUMN text TEXT NOT NULL DEFAULT '';

-- Changes that would overwrite what somebody else wrote in Salesforce, and what was decided about them.
-- `ours` and `theirs`: both values, encrypted where the workspace is. `decision`: 'source', 'target', or
-- '' while it is open; `decided_by`: a person, or 'rule'.
CREATE TABLE conflict (
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    field TEXT NOT NULL,
    object TEXT NOT NULL,
    target_id TEXT NOT NULL,
    ours BLOB NOT NULL,
    theirs BLOB NOT NULL,
    theirs_by TEXT NOT NULL,
    found_at REAL NOT NULL,
    decision TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL,
    PRIMARY KEY (phase, source_id, part, field)
) WITHOUT ROWID;

-- Records that others have written to before a change of ours: later we are the last to have written.
CREATE TABLE touched (
    object TEXT NOT NULL,
    target_id TEXT NOT NULL,
    PRIMARY KEY (object, target_id)
) WITHOUT ROWID;

-- What fields of records that were there before the migration held before we filled them.
CREATE TABLE pre_image (
    object TEXT NOT NULL,
    target_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value BLOB NOT NULL,
    job INTEGER NOT NULL,
    taken_at REAL NOT NULL,
    PRIMARY KEY (object, target_id, field)
) WITHOUT ROWID;
