-- Sweeps: ids of one kind that Kustomer still shows, compared with what was loaded.

-- Ids that a sweep under way has an answer for; forgotten when it has ended. `answer`: 0 shown by a list or
-- search; asked for by id, 1 it is there, 2 it answers as another record, 3 it is deleted.
CREATE TABLE swept (
    kind INTEGER NOT NULL,
    source_id BLOB NOT NULL,
    answer INTEGER NOT NULL,
    PRIMARY KEY (kind, source_id)
) WITHOUT ROWID;
