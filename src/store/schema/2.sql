-- Since when somebody waits for a seat.
CREATE TABLE queue (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, sku_id)
) STRICT, WITHOUT ROWID;

-- The service plans that each SKU had when it was last seen, as a JSON list of ids in order.
CREATE TABLE seen (
    tenant        TEXT NOT NULL,
    sku_id        TEXT NOT NULL,
    service_plans TEXT NOT NULL CHECK (json_valid(service_plans)),
    PRIMARY KEY (tenant, sku_id)
) STRICT, WITHOUT ROWID;

-- What refusals taught: `exclusive` with two service plans in order, or `needs` with one and a JSON
-- list of those of which it needs one, in order.
CREATE TABLE lessons (
    tenant       TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('exclusive', 'needs')),
    service_plan TEXT NOT NULL,
    others       TEXT NOT NULL CHECK (json_valid(others)),
    PRIMARY KEY (tenant, kind, service_plan, others)
) STRICT, WITHOUT ROWID;

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

-- What a plan follows from: the policies, or what a person asked for once.
ALTER TABLE plans ADD COLUMN origin TEXT NOT NULL DEFAULT 'policies'
    CHECK (origin IN ('policies', 'bulk', 'revert'));
