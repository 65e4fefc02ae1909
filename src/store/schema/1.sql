-- Times are nanoseconds since 1970-01-01T00:00:00Z: datetime(at / 1000000000, 'unixepoch').
-- Ids and digests are text, as Graph and plans print them.

-- Which policy owns which assignment. Memory, not truth: without it too little is removed.
CREATE TABLE owners (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    policy  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    let_go  INTEGER,
    PRIMARY KEY (tenant, user_id, sku_id, policy)
) STRICT, WITHOUT ROWID;

-- Since when a policy wants an assignment gone that is still there.
CREATE TABLE clocks (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    policy  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, sku_id, policy)
) STRICT, WITHOUT ROWID;

-- `number` is the order of recording, which no step of the clock can change.
CREATE TABLE plans (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    tenant     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN (
        'proposed', 'held', 'approved', 'applying', 'applied', 'partial', 'failed', 'rejected',
        'superseded', 'expired')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    operations INTEGER NOT NULL,
    people     INTEGER NOT NULL,
    head       TEXT NOT NULL CHECK (json_valid(head))
) STRICT;
CREATE INDEX plans_of_tenant ON plans (tenant, number);
CREATE INDEX plans_by_state ON plans (tenant, state);

CREATE TABLE operations (
    plan           TEXT NOT NULL REFERENCES plans (id),
    position       INTEGER NOT NULL,
    key            TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    principal_name TEXT NOT NULL,
    -- In lower case, so that a search may ignore case beyond ASCII.
    folded_name    TEXT NOT NULL,
    kind           TEXT NOT NULL,
    form           TEXT NOT NULL,
    PRIMARY KEY (plan, position),
    UNIQUE (plan, key)
) STRICT;
CREATE INDEX operations_of_user ON operations (user_id);

CREATE TABLE decisions (
    number   INTEGER PRIMARY KEY,
    plan     TEXT NOT NULL REFERENCES plans (id),
    state    TEXT NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    -- The guards that were accepted, as a JSON list.
    accepted TEXT NOT NULL CHECK (json_valid(accepted)),
    reason   TEXT
) STRICT;
CREATE INDEX decisions_on_plan ON decisions (plan, number);

CREATE TABLE intents (
    number    INTEGER PRIMARY KEY,
    plan      TEXT NOT NULL,
    operation TEXT NOT NULL,
    at        INTEGER NOT NULL,
    UNIQUE (plan, operation),
    FOREIGN KEY (plan, operation) REFERENCES operations (plan, key)
) STRICT;

CREATE TABLE outcomes (
    number     INTEGER PRIMARY KEY,
    plan       TEXT NOT NULL,
    operation  TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN (
        'done', 'already_done', 'stale', 'refused', 'failed', 'deferred')),
    at         INTEGER NOT NULL,
    detail     TEXT NOT NULL,
    code       TEXT,
    request_id TEXT,
    recovered  INTEGER NOT NULL CHECK (recovered IN (0, 1)),
    -- The digest of this record and of the chain before it.
    chain      TEXT NOT NULL,
    UNIQUE (plan, operation),
    FOREIGN KEY (plan, operation) REFERENCES operations (plan, key)
) STRICT;

CREATE TABLE cycles (
    number     INTEGER PRIMARY KEY,
    tenant     TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    plan       TEXT REFERENCES plans (id),
    failure    TEXT
) STRICT;
CREATE INDEX cycles_of_tenant ON cycles (tenant, number);
CREATE INDEX cycles_that_worked ON cycles (tenant, number) WHERE failure IS NULL;

-- What was recorded stays as it was recorded. Only the state of a plan moves on, and never from an end.
CREATE TRIGGER plans_are_never_edited
BEFORE UPDATE OF number, id, tenant, created_at, expires_at, digest, operations, people, head
ON plans BEGIN SELECT RAISE(ABORT, 'a plan is never edited'); END;

CREATE TRIGGER plans_run_once BEFORE UPDATE OF state ON plans
WHEN OLD.state IN ('applied', 'partial', 'failed', 'rejected', 'superseded', 'expired')
BEGIN SELECT RAISE(ABORT, 'a plan that came to its end stays there'); END;

CREATE TRIGGER plans_are_never_deleted BEFORE DELETE ON plans
BEGIN SELECT RAISE(ABORT, 'a plan is never deleted'); END;

CREATE TRIGGER operations_are_never_edited BEFORE UPDATE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never edited'); END;

CREATE TRIGGER operations_are_never_deleted BEFORE DELETE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never deleted'); END;

CREATE TRIGGER operations_are_never_added BEFORE INSERT ON operations
WHEN NEW.position >= (SELECT operations FROM plans WHERE id = NEW.plan)
BEGIN SELECT RAISE(ABORT, 'a plan has as many operations as it was made with'); END;

CREATE TRIGGER decisions_are_never_edited BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never edited'); END;

CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;

CREATE TRIGGER intents_are_never_edited BEFORE UPDATE ON intents
BEGIN SELECT RAISE(ABORT, 'an intent is never edited'); END;

CREATE TRIGGER intents_are_never_deleted BEFORE DELETE ON intents
BEGIN SELECT RAISE(ABORT, 'an intent is never deleted'); END;

CREATE TRIGGER outcomes_are_never_edited BEFORE UPDATE ON outcomes
BEGIN SELECT RAISE(ABORT, 'an outcome is never edited'); END;

CREATE TRIGGER outcomes_are_never_deleted BEFORE DELETE ON outcomes
BEGIN SELECT RAISE(ABORT, 'an outcome is never deleted'); END;
