-- Where axum-authsignal keeps its flows: sealed bytes under opaque keys. Nothing else of the application's refers to it.
CREATE TABLE IF NOT EXISTS authsignal_records (
    key BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    -- Milliseconds since 1970.
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS authsignal_records_expires_at ON authsignal_records (expires_at);
