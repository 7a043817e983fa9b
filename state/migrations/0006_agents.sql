-- What people decided about agents, and memberships of teams that wait for an agent.

-- Whom a person chose for a source user; the newest decision about a user counts. `how`: the command
-- that took it ('assign', 'import').
CREATE TABLE user_decision (
    number INTEGER PRIMARY KEY,
    source_id BLOB NOT NULL,
    target_id TEXT NOT NULL,
    how TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at REAL NOT NULL
);
CREATE INDEX user_decision_by_user ON user_decision (source_id);

-- Members of teams that were made, who are not in the target's group yet.
CREATE TABLE membership (
    team BLOB NOT NULL,
    user BLOB NOT NULL,
    PRIMARY KEY (team, user)
) WITHOUT ROWID;
