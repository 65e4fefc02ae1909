-- How the seats of a SKU were used: a row whenever that changed.
CREATE TABLE seat_uses (
    tenant   TEXT NOT NULL,
    sku_id   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    sku      TEXT NOT NULL,
    total    INTEGER NOT NULL,
    used     INTEGER NOT NULL,
    free     INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    waiting  INTEGER NOT NULL,
    PRIMARY KEY (tenant, sku_id, at)
) STRICT, WITHOUT ROWID;
