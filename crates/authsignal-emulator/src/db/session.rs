//! Sessions of app clients: an access token for its client, a refresh token for the next pair.
use std::time::SystemTime;

use authsignal_client::{UserId, VerificationMethod};
use serde::{Deserialize, Serialize};

use crate::db::table::{FoundBy, Record};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// In the access token, as `jti`.
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    pub(crate) refresh_token: String,
    pub(crate) expires_at: SystemTime,
    pub(crate) refreshable_until: SystemTime,
    pub(crate) verification_method: Option<VerificationMethod>,
}

impl Record for Session {
    fn id(&self) -> &str {
        &self.id
    }

    fn found_by(&self) -> Vec<FoundBy> {
        vec![FoundBy::user(&self.user), FoundBy::RefreshToken(self.refresh_token.clone())]
    }
}
