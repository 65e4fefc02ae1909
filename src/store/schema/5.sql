-- How large what plans follow from was: its kind, what it is called, the best size of a day and what
-- came after as a JSON list of pairs of size and time, and the digest of the text of a policy.
CREATE TABLE sources (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    marks  TEXT NOT NULL CHECK (json_valid(marks)),
    text   TEXT,
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;

-- Who lost something lately, and when last.
CREATE TABLE losses (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

-- Operations that Graph refused, and digests of the user and, where there were none, the seats then.
CREATE TABLE refusals (
    tenant    TEXT NOT NULL,
    operation TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    since     INTEGER NOT NULL,
    message   TEXT NOT NULL,
    state     TEXT NOT NULL,
    seats     TEXT,
    PRIMARY KEY (tenant, operation)
) STRICT, WITHOUT ROWID;

-- What was set lately, a row for each time: the digest of the service plans that were to be off, or an
-- empty text where the SKU was to be gone.
CREATE TABLE assertions (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    wanted  TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id, sku_id, at)
) STRICT, WITHOUT ROWID;
