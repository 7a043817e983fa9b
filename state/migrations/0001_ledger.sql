-- The first form of the ledger. Times are epoch seconds; ids of records are binary keys.

CREATE TABLE fact (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    exit_code INTEGER,
    summary TEXT
);

-- A part of a stream: one page list or one search window.
CREATE TABLE slice (
    phase TEXT NOT NULL,
    number INTEGER NOT NULL,
    spec TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (phase, number)
) WITHOUT ROWID;

-- The pages of open slices whose rows are sealed.
CREATE TABLE slice_page (
    phase TEXT NOT NULL,
    number INTEGER NOT NULL,
    page INTEGER NOT NULL,
    PRIMARY KEY (phase, number, page)
) WITHOUT ROWID;

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    phase TEXT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    lane INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    crc INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'sealed' CHECK (state IN ('sealed', 'taken', 'done')),
    job INTEGER
);
CREATE INDEX batch_by_state ON batch (phase, object, state);
CREATE INDEX batch_by_job ON batch (job);

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    phase TEXT NOT NULL,
    object TEXT NOT NULL,
    operation TEXT NOT NULL,
    lane INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('intent', 'created', 'uploaded', 'closed', 'finished', 'harvested', 'abandoned')),
    sf_id TEXT UNIQUE,
    rows_sent INTEGER NOT NULL,
    aside BLOB,
    processed INTEGER,
    failed INTEGER,
    error TEXT,
    started_at REAL NOT NULL,
    ended_at REAL
);
CREATE INDEX job_by_state ON job (state);

-- Small numbers for the names of kinds, objects and origins in the crosswalk.
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE crosswalk (
    kind INTEGER NOT NULL,
    source_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    object INTEGER NOT NULL,
    target_id TEXT NOT NULL,
    origin INTEGER NOT NULL,
    job INTEGER NOT NULL,
    version_ms INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (kind, source_id, part)
) WITHOUT ROWID;

-- Exceptions: rows that are held, failed, to be sent again, or waiting for a twin.
CREATE TABLE row (
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'failed', 'pending', 'waiting')),
    reason TEXT NOT NULL,
    field TEXT NOT NULL,
    detail TEXT NOT NULL,
    job INTEGER,
    payload BLOB,
    first_seen REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (phase, source_id, part)
) WITHOUT ROWID;
CREATE INDEX row_by_state ON row (phase, state, reason);
CREATE INDEX row_by_job ON row (job) WHERE job IS NOT NULL;

CREATE TABLE book (
    phase TEXT NOT NULL,
    account TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    records INTEGER NOT NULL,
    PRIMARY KEY (phase, account, reason)
) WITHOUT ROWID;

CREATE TABLE match_key (
    object TEXT NOT NULL,
    key TEXT NOT NULL,
    target_id TEXT NOT NULL,
    source_id TEXT,
    PRIMARY KEY (object, key)
) WITHOUT ROWID;

CREATE TABLE gate (
    phase TEXT PRIMARY KEY,
    closed_at REAL NOT NULL,
    source_count INTEGER NOT NULL,
    target_count INTEGER
) WITHOUT ROWID;
