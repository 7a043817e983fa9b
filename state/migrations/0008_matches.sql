-- Existing records of which several stand for one key, and what people decided about such records.

-- Every existing record by its match keys. In match_key stands which of our own records has claimed a key.
CREATE TABLE match_candidate (
    object TEXT NOT NULL,
    key TEXT NOT NULL,
    target_id TEXT NOT NULL,
    PRIMARY KEY (object, key, target_id)
) WITHOUT ROWID;

-- `target_id`: the record that was chosen, '' to make a new one. Times are epoch seconds.
CREATE TABLE match_decision (
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    target_id TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at REAL NOT NULL,
    PRIMARY KEY (phase, source_id)
) WITHOUT ROWID;
