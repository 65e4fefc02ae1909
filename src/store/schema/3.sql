-- What commands ask of the daemon, and what it answered.
CREATE TABLE requests (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    tenant      TEXT NOT NULL,
    ask         TEXT NOT NULL CHECK (json_valid(ask)),
    by          TEXT NOT NULL,
    at          INTEGER NOT NULL,
    -- When nobody waits for an answer any more.
    until       INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'taken', 'answered', 'withdrawn')),
    reply       TEXT CHECK (json_valid(reply)),
    answered_at INTEGER,
    CHECK ((state = 'answered') = (reply IS NOT NULL))
) STRICT;
CREATE INDEX requests_to_take ON requests (tenant, number) WHERE state IN ('waiting', 'taken');

-- Times in which nothing is changed; without a tenant for all.
CREATE TABLE pauses (
    number   INTEGER PRIMARY KEY,
    tenant   TEXT,
    by       TEXT NOT NULL,
    reason   TEXT NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    -- When and by whom it was ended before its time.
    ended_at INTEGER,
    ended_by TEXT
) STRICT;
CREATE INDEX pauses_by_end ON pauses (until);

-- What people are to be told, each once.
CREATE TABLE notices (
    number  INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    event   TEXT NOT NULL,
    subject TEXT NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT NOT NULL CHECK (json_valid(body)),
    UNIQUE (tenant, event, subject)
) STRICT;

CREATE TABLE deliveries (
    notice   INTEGER NOT NULL REFERENCES notices (number),
    receiver TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('due', 'done', 'given_up')),
    tries    INTEGER NOT NULL DEFAULT 0,
    due_at   INTEGER NOT NULL,
    failure  TEXT,
    PRIMARY KEY (notice, receiver)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_to_make ON deliveries (due_at) WHERE state = 'due';

-- What the daemon last told of itself.
CREATE TABLE reports (
    tenant TEXT NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT, WITHOUT ROWID;

-- What started a cycle; none for those that were recorded before this was.
ALTER TABLE cycles ADD COLUMN trigger TEXT;

CREATE INDEX plans_to_carry_out ON plans (tenant, number) WHERE state = 'approved';
