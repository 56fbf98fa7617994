//! What can be wrong with the settings of a store.
use redis::RedisError;

/// What is wrong with the settings of a store, at start.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL is none of Redis', or asks for a feature that is not on.
    #[error("invalid Redis URL: {reason}")]
    InvalidUrl {
        /// What is wrong with it. It holds nothing of the URL, which may have a password in it.
        reason: String,
    },
}

impl ConfigError {
    pub(crate) fn invalid_url(error: &RedisError) -> Self {
        Self::InvalidUrl { reason: error.category().to_owned() }
    }
}
