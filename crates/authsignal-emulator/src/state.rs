//! What the handle and all doors share: the database behind its lock, and what is asked of it together with the tokens.
pub(crate) mod operate;

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use authsignal_client::Clock;
use http::HeaderMap;

use crate::credentials::tokens::{Subject, TokenError, Tokens};
use crate::credentials::webauthn::RelyingParty;
use crate::db::Db;
use crate::db::action::{ActionId, RecordedAction, Scope};
use crate::fault::Faults;
use crate::http::control_key::Access;
use crate::http::hosts::loopback_origin;
use crate::persist::StateFile;
use crate::persist::form::{Saved, VERSION};
use crate::request_log::RequestLog;
use crate::tenant::Tenant;
use crate::webhooks::{WebhookSettings, Webhooks};

/// What an emulator began with, and goes back to.
pub(crate) struct Start {
    pub(crate) tenant: Tenant,
    pub(crate) webhooks: WebhookSettings,
}

/// One emulator, but for its socket.
pub(crate) struct AppState {
    /// What it began with.
    pub(crate) start: Start,
    pub(crate) clock: Clock,
    /// The API secret keys that are taken, the first at first.
    pub(crate) secrets: Vec<String>,
    pub(crate) origin: String,
    /// Whether that is a public URL, by which everybody is sent back.
    pub(crate) is_public: bool,
    /// Who may ask for what is under `/emulator`.
    pub(crate) access: Access,
    pub(crate) tokens: Tokens,
    pub(crate) webhooks: Webhooks,
    pub(crate) relying_party: RelyingParty,
    pub(crate) db: Mutex<Db>,
    /// Whether anything in it has changed since it was written into its file.
    pub(crate) changed: AtomicBool,
    pub(crate) file: Option<StateFile>,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
}

impl AppState {
    /// Everything that is known, locked. A panic elsewhere leaves nothing half-done in it that would matter.
    pub(crate) fn db(&self) -> DbGuard<'_> {
        DbGuard { db: self.db.lock().unwrap_or_else(PoisonError::into_inner), changed: &self.changed }
    }

    /// Writes the state into its file, if there is one and anything has changed. Blocks.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.save(
            &self.changed,
            || self.clock.offset(),
            |ahead| Saved {
                version: VERSION,
                tenant_id: self.tokens.tenant.clone(),
                secret: self.secrets[0].clone(),
                key: self.tokens.keys().export(),
                ahead_milliseconds: ahead.as_millis().try_into().unwrap_or_default(),
                db: self.db().keep(&self.start.tenant),
            },
        )
    }

    /// A new token for an action, which may do what its track asked for.
    pub(crate) fn token(&self, action: &RecordedAction) -> String {
        self.token_with(action, action.scope.as_deref().unwrap_or(Scope::DEFAULT))
    }

    pub(crate) fn token_with(&self, action: &RecordedAction, scope: &str) -> String {
        let (email, phone_number) = self
            .db()
            .users
            .get(action.user_id.as_str())
            .map_or((None, None), |user| (user.email.clone(), user.phone_number.clone()));
        let subject = Subject {
            tenant_id: self.tokens.tenant.clone(),
            user_id: action.user_id.to_string(),
            email,
            phone_number,
            action_code: action.action.to_string(),
            idempotency_key: action.idempotency_key.to_string(),
        };
        self.tokens.issue(subject, scope, self.clock.now())
    }

    /// The origin by which whoever asks reaches it: the public one if there is one, else the name of this machine that they
    /// have used. In a container its port may be another outside, and passkeys need `localhost`.
    pub(crate) fn origin_for(&self, headers: &HeaderMap) -> String {
        let asked = if self.is_public { None } else { loopback_origin(headers) };
        asked.unwrap_or_else(|| self.origin.clone())
    }

    /// The action that a token of ours is about, as it stands.
    pub(crate) fn action_of(&self, token: &str) -> Result<RecordedAction, TokenError> {
        Ok(self.token_context(token)?.record)
    }

    /// What a token of ours is about, and what it may do.
    pub(crate) fn token_context(&self, token: &str) -> Result<TokenContext, TokenError> {
        let claims = self.tokens.check(token, self.clock.now())?;
        let id = ActionId::of(&claims.other).ok_or(TokenError::Invalid)?;
        let record = self.db().actions.get(&id).map(|action| action.record.clone()).ok_or(TokenError::Invalid)?;
        Ok(TokenContext { id, scope: Scope::parse(&claims.scope), record })
    }
}

/// What the holder of a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct TokenContext {
    pub(crate) id: ActionId,
    pub(crate) scope: Scope,
    pub(crate) record: RecordedAction,
}

/// The database, locked. Whoever changes it leaves a note for the file.
pub(crate) struct DbGuard<'a> {
    pub(crate) db: MutexGuard<'a, Db>,
    pub(crate) changed: &'a AtomicBool,
}

impl Deref for DbGuard<'_> {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl DerefMut for DbGuard<'_> {
    fn deref_mut(&mut self) -> &mut Db {
        self.changed.store(true, Ordering::Relaxed);
        &mut self.db
    }
}
