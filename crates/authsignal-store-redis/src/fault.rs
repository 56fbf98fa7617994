//! What goes wrong between us and Redis, with no bytes of records in its text.
use std::borrow::Cow;
use std::error::Error as _;
use std::fmt;

use axum_authsignal::store::Error;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis gave no answer to a command.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    text: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The connection ended, or leads to a replica by now: what was sent may have happened, and may be sent again.
    Lost,
    /// Redis does not know the script yet.
    UnknownScript,
    /// Redis is at its `maxmemory`, and wrote nothing.
    Full,
    Other,
}

impl Fault {
    pub(crate) fn other(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: FaultKind::Other, text: text.into() }
    }

    /// Nothing was sent, since there was no connection: nobody waits for the next one.
    pub(crate) fn unsent(self) -> Self {
        Self { kind: FaultKind::Other, text: format!("no connection to Redis: {}", self.text).into() }
    }

    pub(crate) fn into_error(self) -> Error {
        match self.kind {
            FaultKind::Full => Error::full("Redis is at its maxmemory"),
            FaultKind::Lost | FaultKind::UnknownScript | FaultKind::Other => Error::unavailable(self),
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        let kind = match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => FaultKind::UnknownScript,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => FaultKind::Lost,
            _ if error.code() == Some("OOM") => FaultKind::Full,
            _ if error.is_io_error() || error.is_unrecoverable_error() => FaultKind::Lost,
            _ => FaultKind::Other,
        };
        Self { kind, text: text_of(&error).into() }
    }
}

/// What Redis said; it quotes the command if it does not know it, and the command has a record in it.
fn text_of(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => {
            let detail = detail.split(", with args beginning with").next().unwrap_or_default();
            format!("Redis answered {code}: {detail}")
        }
        (Some(code), None) => format!("Redis answered {code}"),
        (None, Some(detail)) if error.is_io_error() => format!("{}: {detail}", error.category()),
        // The system's or rustls' own words, such as that a certificate is not to be trusted.
        (None, None) if error.is_io_error() => match error.source() {
            Some(source) => format!("{}: {source}", error.category()),
            None => error.category().to_owned(),
        },
        (None, _) => error.category().to_owned(),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    fn fault(line: &str) -> Fault {
        let value = parse_redis_value(line.as_bytes()).expect("RESP");
        Fault::from(Value::extract_error(value).expect_err("an error"))
    }

    #[test]
    fn what_redis_says_is_told_apart() {
        for (line, kind) in [
            ("-NOSCRIPT No matching script. Please use EVAL.\r\n", FaultKind::UnknownScript),
            ("-READONLY You can't write against a read only replica.\r\n", FaultKind::Lost),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", FaultKind::Full),
            ("-NOPERM this user has no permissions to run the 'evalsha' command\r\n", FaultKind::Other),
            ("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", FaultKind::Other),
        ] {
            let fault = fault(line);
            assert_eq!(fault.kind, kind, "{fault}");
        }
    }

    /// T43: what Redis quotes of a command that it does not know stays out of the log.
    #[test]
    fn t43_a_quoted_record_is_left_out() {
        let fault =
            fault("-ERR unknown command 'EVALSHA', with args beginning with: 'abc' '1' 'canary-key' 'canary'\r\n");
        assert_eq!(fault.to_string(), "Redis answered ERR: unknown command 'EVALSHA'");
        assert!(!format!("{fault:?}").contains("canary"));
    }
}
