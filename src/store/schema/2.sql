-- The latest sign-in of each user who has one on record, and when that was read.
CREATE TABLE sign_ins (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    latest  INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_by_age ON sign_ins (tenant, read_at);

-- How far the slow read of them has come, so that an interrupted one goes on where it was.
CREATE TABLE sign_in_reads (
    tenant       TEXT NOT NULL PRIMARY KEY,
    started_at   INTEGER NOT NULL,
    users        INTEGER NOT NULL,
    continuation TEXT,
    finished_at  INTEGER,
    -- When the latest read began that came to its end: every user was read since.
    whole_since  INTEGER
) STRICT, WITHOUT ROWID;
