-- Records that became another object in Salesforce: Leads that became Contacts.

-- `from_origin`: how the earlier record had come here. `step`: the last one that is done; 'made': the new
-- record is there and the crosswalk names it. `fate`: what became of the earlier record, '' before it is
-- decided. `stuck`: the reason why the last try did not get further, '' when it did. Times: epoch seconds.
CREATE TABLE transition (
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    from_object TEXT NOT NULL,
    from_id TEXT NOT NULL,
    from_origin TEXT NOT NULL,
    to_object TEXT NOT NULL,
    to_id TEXT NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('made', 'references', 'relations', 'done')),
    fate TEXT NOT NULL DEFAULT '',
    stuck TEXT NOT NULL DEFAULT '',
    began_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (phase, source_id)
) WITHOUT ROWID;
CREATE INDEX transition_open ON transition (phase, step, source_id) WHERE step != 'done';
CREATE INDEX transition_from ON transition (from_id);
