-- Where axum-authsignal keeps its flows: sealed bytes under opaque keys. Nothing else of the application's refers to it.
CREATE TABLE IF NOT EXISTS authsignal_records (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    value bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS authsignal_records_expires_at ON authsignal_records (expires_at);
