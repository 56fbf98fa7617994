//! Passkeys and security keys: the ceremonies of WebAuthn, from their options to what follows from a good signature.
use std::time::{Duration, SystemTime};

use authsignal_client::{ActionCode, AuthenticatorAttachment, IdempotencyKey, UserId, VerificationMethod};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::credentials::webauthn::credential::Credential;
use crate::credentials::webauthn::error::{CredentialError, KeyKind};
use crate::credentials::webauthn::{Authentication, Registrant, Registration};
use crate::db::Db;
use crate::db::action::{ActionId, Scope};
use crate::db::challenge::{Challenge, Context, NewChallenge, Waiting};
use crate::db::claim::Unclaimable;
use crate::db::enrol::NotEnrollable;
use crate::db::proof::{Aim, Attempt, Proof, Proved};
use crate::db::user::{Authenticator, AuthenticatorKind, Key, User};
use crate::state::AppState;
use crate::verification::VerificationError;

/// How long a signature is waited for (an assumption).
const SIGNATURE_TTL: Duration = Duration::from_secs(600);

/// Why a ceremony came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotSigned {
    /// No such ceremony has begun, or it is over.
    NotBegun,
    /// It may not begin.
    NotEnrollable(NotEnrollable),
    /// What the browser gave is no good.
    Refused(CredentialError),
    /// What was signed is no proof here.
    NoProof(VerificationError),
}

impl From<CredentialError> for NotSigned {
    fn from(fault: CredentialError) -> Self {
        Self::Refused(fault)
    }
}

impl From<NotEnrollable> for NotSigned {
    fn from(why: NotEnrollable) -> Self {
        Self::NotEnrollable(why)
    }
}

impl From<VerificationError> for NotSigned {
    fn from(fault: VerificationError) -> Self {
        Self::NoProof(fault)
    }
}

impl From<Unclaimable> for NotSigned {
    fn from(_: Unclaimable) -> Self {
        Self::NotBegun
    }
}

/// A ceremony that has begun.
#[derive(Debug, Clone)]
pub(crate) struct Ceremony {
    pub(crate) challenge: String,
    /// What the browser is to be given.
    pub(crate) options: Value,
}

/// What is told of a key before it is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) attachment: Option<AuthenticatorAttachment>,
}

/// A registration that has begun, as it is kept.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: Registration,
    username: Option<String>,
    display_name: Option<String>,
}

/// What is told of a key that was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    /// What its user is to know it by.
    pub(crate) name: String,
    pub(crate) device_id: Option<String>,
}

/// Somebody has proved who they are.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) user: UserId,
    /// The id of the method that they used.
    pub(crate) authenticator: String,
    /// What they proved; nothing in particular, if nobody asked.
    pub(crate) id: Option<ActionId>,
}

impl AppState {
    /// Begins to make a key.
    pub(crate) fn begin_registration(
        &self,
        id: &ActionId,
        scope: Scope,
        kind: KeyKind,
        wanted: Wanted,
    ) -> Result<Ceremony, NotSigned> {
        let now = self.clock.now();
        let mut db = self.db();
        db.enrollable(id, scope, &method(kind))?;
        let user = db.users.get(id.user.as_str()).ok_or(NotSigned::NotBegun)?;
        let username = wanted.username.or_else(|| user.username.clone());
        let display_name = wanted.display_name.or_else(|| user.display_name.clone());
        let registrant = Registrant {
            user_id: id.user.as_str(),
            username: username.as_deref().or(user.email.as_deref()),
            display_name: display_name.as_deref(),
        };
        let keys = credentials(user, |_| true);
        let attachment = wanted.attachment.as_ref();
        let (options, state) = self.relying_party.registration_options(kind, registrant, attachment, keys)?;
        let begun = Begun { state, username, display_name };
        let waiting = Waiting::Signature { state: text(&begun), registers: true };
        let challenge = db.open(NewChallenge::of(id, method(kind), waiting, SIGNATURE_TTL), now).id;
        Ok(Ceremony { challenge, options })
    }

    /// Takes a key that was made, which enrols it. Of several ceremonies it is the one named, or the newest.
    pub(crate) async fn finish_registration(
        &self,
        id: &ActionId,
        scope: Scope,
        kind: KeyKind,
        challenge: Option<&str>,
        answer: &Value,
        made: Made,
    ) -> Result<Proved, NotSigned> {
        let now = self.clock.now();
        let method = method(kind);
        let begun = {
            let mut db = self.db();
            let (challenge, state) = db.ceremony(challenge, Some(id), &method, now)?;
            db.void(&challenge.id);
            db.enrollable(id, scope, &method)?;
            let begun: Begun = state_of(&state, true, &challenge)?;
            let credential = self.relying_party.register(&begun.state, answer, |known| db.key(known).is_some())?;
            let key = Key {
                credential,
                name: made.name,
                device_id: made.device_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
                username: begun.username,
                display_name: begun.display_name,
            };
            let kind = match kind {
                KeyKind::Passkey => AuthenticatorKind::Passkey(key),
                KeyKind::SecurityKey => AuthenticatorKind::SecurityKey(key),
            };
            db.user_mut(id.user.as_str(), now).begin(kind, now).id.clone()
        };
        let attempt = Attempt { id, scope, aim: Aim::Enrol, method: &method };
        Ok(self.prove(attempt, Proof::By(&begun)).await?)
    }

    /// Begins to ask for a signature: of the user of an action, or of whoever has a key, for what `challenge` is about.
    pub(crate) fn begin_authentication(
        &self,
        of: Option<&ActionId>,
        kind: KeyKind,
        challenge: Option<&str>,
    ) -> Result<Ceremony, NotSigned> {
        let now = self.clock.now();
        let method = method(kind);
        let mut db = self.db();
        let mut allowed = Vec::new();
        if let Some(id) = of {
            db.usable(Attempt::new(id, Scope::default(), Aim::Prove, &method), None)
                .ok_or(VerificationError::NotAsked)?;
            let user = db.users.get(id.user.as_str()).ok_or(VerificationError::NotAsked)?;
            allowed.extend(credentials(user, |known| known.is_verified() && known.method() == method).cloned());
        }
        let challenge = match challenge {
            Some(challenge) => db.ceremony(Some(challenge), of, &method, now)?.0,
            None => db.begin_signature(of, None, None, method, now),
        };
        if challenge.user.is_some() != of.is_some() {
            return Err(NotSigned::NotBegun);
        }
        let (options, begun) = self.relying_party.authentication_options(kind, &allowed)?;
        if let Some(known) = db.challenges.get_mut(&challenge.id) {
            known.waiting = Waiting::Signature { state: text(&begun), registers: false };
        }
        Ok(Ceremony { challenge: challenge.id, options })
    }

    /// Takes a signature, which proves an action: that of the token, that of the challenge, or none.
    pub(crate) async fn finish_authentication(
        &self,
        of: Option<&ActionId>,
        kind: KeyKind,
        challenge: Option<&str>,
        answer: &Value,
        device: Option<&str>,
    ) -> Result<Signed, NotSigned> {
        let now = self.clock.now();
        let method = method(kind);
        let signed = {
            let mut db = self.db();
            let (challenge, state) = db.ceremony(challenge, of, &method, now)?;
            let state: Authentication = state_of(&state, false, &challenge)?;
            let known = |id: &str| db.key(id).filter(|(_, known)| known.method() == method).and_then(with_credential);
            let found = self.relying_party.authenticate(&state, answer, known);
            // Good for one answer, be it a good one or not.
            let found = found.inspect_err(|_| db.void(&challenge.id))?;
            let id = found.credential.id();
            let user = UserId::new(&found.user_id).map_err(|_| NotSigned::NotBegun)?;
            let signed = db.signed_by(&challenge, of, &user, |known| known.kind.is_key(&id), now)?;
            let known = db.users.get_mut(user.as_str()).and_then(|user| user.authenticator_mut(&signed.authenticator));
            if let Some(key) = known.and_then(|known| known.kind.key_mut()) {
                key.credential = found.credential;
                key.device_id = device.map_or_else(|| std::mem::take(&mut key.device_id), str::to_owned);
            }
            signed
        };
        self.conclude(signed, &method, device).await
    }

    /// Takes the signature of an app (which is not looked at) by its key, for what `challenge` is about.
    pub(crate) async fn finish_in_app(
        &self,
        of: Option<&ActionId>,
        challenge: &str,
        user: &UserId,
        authenticator: &str,
    ) -> Result<Signed, NotSigned> {
        let now = self.clock.now();
        let signed = {
            let mut db = self.db();
            let (challenge, _) = db.ceremony(Some(challenge), None, &VerificationMethod::Passkey, now)?;
            db.signed_by(&challenge, of, user, |known| known.id == authenticator, now)?
        };
        self.conclude(signed, &VerificationMethod::InApp, None).await
    }

    /// What follows from a signature.
    async fn conclude(
        &self,
        signed: Signed,
        method: &VerificationMethod,
        device: Option<&str>,
    ) -> Result<Signed, NotSigned> {
        if let Some(id) = &signed.id {
            let attempt = Attempt { id, scope: Scope::default(), aim: Aim::Prove, method };
            self.prove(attempt, Proof::By(&signed.authenticator)).await?;
        }
        let now = self.clock.now();
        let mut db = self.db();
        if signed.id.is_none() {
            let user = db.user_mut(signed.user.as_str(), now);
            user.mark_verified(&signed.authenticator, now);
            user.has_verified = true;
        }
        if let Some(device) = device {
            db.prove_device(signed.user.as_str(), device, method, now);
        }
        Ok(signed)
    }
}

impl Db {
    /// Begins something to sign, for an action of a user or for whoever signs.
    pub(crate) fn begin_signature(
        &mut self,
        of: Option<&ActionId>,
        action: Option<ActionCode>,
        key: Option<IdempotencyKey>,
        method: VerificationMethod,
        now: SystemTime,
    ) -> Challenge {
        let waiting = Waiting::Signature { state: String::new(), registers: false };
        let new = match of {
            Some(id) => NewChallenge::of(id, method, waiting, SIGNATURE_TTL),
            None => NewChallenge {
                key: action.is_some().then(|| key.unwrap_or_else(IdempotencyKey::random)),
                method,
                user: None,
                action,
                authenticator: None,
                to: None,
                sms_channel: None,
                waiting,
                context: Context::default(),
                ttl: SIGNATURE_TTL,
            },
        };
        self.open(new, now)
    }

    /// A ceremony that has begun and isn't over, with its state: the one named, or the newest of an action.
    fn ceremony(
        &self,
        challenge: Option<&str>,
        of: Option<&ActionId>,
        method: &VerificationMethod,
        now: SystemTime,
    ) -> Result<(Challenge, String), NotSigned> {
        let found = match (challenge, of) {
            (Some(challenge), _) => self.challenges.get(challenge),
            (None, Some(id)) => self.live(id, method, now),
            (None, None) => None,
        };
        let found = found.filter(|known| known.method == *method && known.is_live(now) && known.claimed_by.is_none());
        let is_theirs = |known: &&Challenge| of.is_none_or(|id| known.action_id().as_ref() == Some(id));
        match found.filter(is_theirs) {
            Some(known) => match &known.waiting {
                Waiting::Signature { state, .. } => Ok((known.clone(), state.clone())),
                _ => Err(NotSigned::NotBegun),
            },
            None => Err(NotSigned::NotBegun),
        }
    }

    /// Ends a ceremony by the user who signed: finds what they proved, and with which of their methods.
    fn signed_by(
        &mut self,
        challenge: &Challenge,
        of: Option<&ActionId>,
        user: &UserId,
        is_used: impl FnMut(&&Authenticator) -> bool,
        now: SystemTime,
    ) -> Result<Signed, NotSigned> {
        let asked = of.cloned().or_else(|| challenge.action_id());
        let id = match asked {
            Some(id) if id.user != *user => {
                Err(NotSigned::Refused(CredentialError::Invalid("it is another user's".into())))
            }
            None if challenge.action.is_some() => Ok(Some(self.claim(&challenge.id, user, false, now)?.id)),
            asked => Ok(asked),
        };
        self.void(&challenge.id);
        let used = self.users.get(user.as_str()).and_then(|user| user.authenticators.iter().find(is_used));
        let authenticator = used.ok_or(NotSigned::NotBegun)?.id.clone();
        Ok(Signed { user: user.clone(), authenticator, id: id? })
    }
}

fn method(kind: KeyKind) -> VerificationMethod {
    match kind {
        KeyKind::Passkey => VerificationMethod::Passkey,
        KeyKind::SecurityKey => VerificationMethod::SecurityKey,
    }
}

fn credentials(user: &User, fits: impl Fn(&&Authenticator) -> bool) -> impl Iterator<Item = &Credential> {
    user.authenticators.iter().filter(fits).filter_map(|known| known.kind.key()).map(|key| &key.credential)
}

fn with_credential<'a>((user, known): (&'a str, &'a Authenticator)) -> Option<(&'a str, &'a Credential)> {
    Some((user, &known.kind.key()?.credential))
}

fn text(state: &impl Serialize) -> String {
    serde_json::to_string(state).unwrap_or_default()
}

fn state_of<T: DeserializeOwned>(state: &str, registers: bool, challenge: &Challenge) -> Result<T, NotSigned> {
    match challenge.waiting {
        Waiting::Signature { registers: begun, .. } if begun == registers => {
            serde_json::from_str(state).map_err(|_| NotSigned::NotBegun)
        }
        _ => Err(NotSigned::NotBegun),
    }
}
