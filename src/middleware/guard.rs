//! What guards one route: its settings, and what Authsignal is told because of them.
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, CustomData, IdempotencyKey, Track, UserId};
use bytes::Bytes;
use http::request::Parts;

use super::fallback::Check;
use super::overlooked::Overlooked;
use super::particulars::Particulars;
use super::when::Condition;
use crate::authsignal::Inner;
use crate::domain::actor::Actor;
use crate::domain::coverage::{Address, Binding, Coverage, Digest, Shape, digest};
use crate::domain::place::Place;
use crate::domain::policy::Policy;
use crate::domain::proof_policy::ProofPolicy;
use crate::domain::ticket::Ticket;
use crate::refusal::RefusalReason;
use crate::request::identify::User;
use crate::request::signals::Signals;
use crate::response::language::best;
use crate::store::flows::BindingHash;
use crate::transaction::{BodyReader, ReadBody};
use crate::verdict::question::{LayerId, Question, TrackAsked};

/// Data points by which Authsignal's rules and records tell who is behind a request. Persons have none.
const ACTOR: &str = "stepUpActor";
const ON_BEHALF_OF: &str = "stepUpOnBehalfOf";

/// Whose request it is.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    /// Who is asked.
    pub(super) user: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) actor: &'a Actor,
    pub(super) account: &'a str,
    /// The value that its body was read as.
    pub(super) transaction: Option<&'a Digest>,
}

impl<'a> Whose<'a> {
    pub(super) fn of(question: &'a Question) -> Self {
        let Question { user, session, actor, account, transaction, .. } = question;
        let transaction = transaction.as_ref();
        Self { user: user.as_str(), session: session.as_deref(), actor, account: account.as_str(), transaction }
    }
}

/// A closure that gives data points for a request.
pub(super) type Custom = Arc<dyn Fn(&Parts) -> CustomData + Send + Sync>;

/// What guards one route.
#[derive(Clone)]
pub(super) struct Guard {
    /// Where it stands.
    pub(super) id: LayerId,
    pub(super) authsignal: Arc<Inner>,
    pub(super) action: ActionCode,
    pub(super) names: Names,
    pub(super) policy: Policy,
    pub(super) custom: Option<Custom>,
    /// What its bodies are read as.
    pub(super) reader: Option<BodyReader>,
    /// What asks for the application's own proof in an outage.
    pub(super) fallback: Option<Fallback>,
    /// What is asked first whether to ask at all.
    pub(super) condition: Option<Condition>,
    /// What the token of a challenge may do with the user's methods.
    pub(super) scope: Option<String>,
    /// Whether users see their methods after the challenge.
    pub(super) redirect_to_settings: bool,
    /// What a handler or a job adds; nothing where a layer asks.
    pub(super) particulars: Particulars,
}

/// The application's own check of a proof, and how long it may take.
#[derive(Clone)]
pub(super) struct Fallback {
    pub(super) check: Check,
    pub(super) timeout: Duration,
}

/// What people call an action: in one language or more, and in all others.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) usual: Option<String>,
    /// By the tags of their languages.
    pub(super) other: Vec<(String, String)>,
}

impl Guard {
    /// What people call the action in the language of this tag.
    pub(super) fn name(&self, tag: &str) -> Option<&str> {
        let Names { usual, other } = &self.names;
        let tags: Vec<_> = other.iter().map(|(tag, _)| &**tag).collect();
        let found = best(tag, &tags).and_then(|found| other.iter().rfind(|(tag, _)| tag == found));
        found.map(|(_, name)| name).or(usual.as_ref()).map(String::as_str)
    }

    /// What a flow for such a request of this user's is found by; `None` while a body that belongs to it has not been read,
    /// or is too long to be.
    pub(super) fn binding(
        &self,
        place: &Place,
        whose: Whose<'_>,
        address: &Address,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> Option<BindingHash> {
        let Policy { coverage, remember, proof, .. } = &self.policy;
        let bytes: &[u8] = if coverage.reads_body() { body? } else { &[] };
        Some(self.binding_of(place, whose, address, parts, (*coverage, *remember, proof, bytes)))
    }

    /// What an approval is found by that a route which asks less of proofs may have left for such a request, where it is
    /// remembered: it counts here as long as its proof does.
    pub(super) fn laxer_binding(
        &self,
        place: &Place,
        whose: Whose<'_>,
        address: &Address,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> Option<BindingHash> {
        let Policy { coverage, remember, proof, .. } = &self.policy;
        if remember.is_none() || proof.takes_any() {
            return None;
        }
        let bytes: &[u8] = if coverage.reads_body() { body? } else { &[] };
        let any = ProofPolicy::default();
        Some(self.binding_of(place, whose, address, parts, (*coverage, *remember, &any, bytes)))
    }

    /// The same for what is covered and how long, and with the bytes that belong to it.
    pub(super) fn binding_of(
        &self,
        place: &Place,
        Whose { user, session, actor, account, transaction }: Whose<'_>,
        address: &Address,
        parts: &Parts,
        (coverage, remember, proof, bytes): (Coverage, Option<Duration>, &ProofPolicy, &[u8]),
    ) -> BindingHash {
        let shape = Shape { method: &parts.method, address, headers: &parts.headers };
        let action = self.action.as_str();
        let unenrolled = self.policy.unenrolled.as_str();
        let told = self.particulars.digest.as_ref();
        let may_be_reviewed = self.policy.review.is_some();
        let binding = Binding {
            callback_url: place.callback_url.as_str(),
            user,
            session,
            action,
            actor: actor.as_str(),
            account,
            unenrolled,
            proof,
            told,
            may_be_reviewed,
            transaction,
        };
        binding.hash(&digest(coverage, remember, &shape, bytes))
    }

    /// What is asked about a request of this user's, as an attempt of that key.
    pub(super) fn question(
        &self,
        parts: &Parts,
        mut user: User,
        address: Address,
        place: &Place,
        (attempt, ticket): (&IdempotencyKey, Ticket),
        (read, overlooked): (Option<&ReadBody>, &mut Overlooked),
    ) -> Result<Question, RefusalReason> {
        let account = UserId::new(mem::take(&mut user.id)).map_err(RefusalReason::InvalidUser)?;
        let (user_id, actor) = match user.impersonator.take() {
            Some(id) => {
                let id = UserId::new(id).map_err(RefusalReason::InvalidUser)?;
                // They are the user's, and would be offered to whoever acts as the user.
                (user.email, user.phone_number, user.username) = (None, None, None);
                (id.clone(), Actor::Impersonator(id))
            }
            None => (account.clone(), if user.is_machine { Actor::Machine } else { Actor::Person }),
        };
        let callback = match (user.is_bearer, &self.authsignal.bearer_callback_url) {
            (true, Some(url)) => url.to_string(),
            (true, None) => place.bearer_callback().to_string(),
            (false, _) => place.callback_for(ticket),
        };
        let track =
            self.track_of(parts, &mut user, (&actor, &account), read, overlooked)?.idempotency_key(attempt.clone());
        // Nobody is sent to the challenge of a request that is only observed, and so nobody comes back.
        let track = if self.policy.extent.is_observed { track } else { track.redirect_url(callback) };
        Ok(Question {
            tenant: self.authsignal.tenant,
            user: user_id,
            actor,
            account,
            session: user.session,
            action: self.action.clone(),
            policy: self.policy.clone(),
            method: parts.method.clone(),
            address,
            track: TrackAsked::new(Arc::new(track)),
            transaction: read.map(|read| read.digest),
        })
    }

    /// What Authsignal is told about a request, whatever the attempt.
    fn track_of(
        &self,
        parts: &Parts,
        user: &mut User,
        (actor, account): (&Actor, &UserId),
        read: Option<&ReadBody>,
        overlooked: &mut Overlooked,
    ) -> Result<Track, RefusalReason> {
        // A job has no address, and none that is missing.
        let is_unseen = self.particulars.is_unseen();
        let signals = if is_unseen { Signals::default() } else { Signals::of(parts, &self.authsignal.addresses) };
        let mut track = Track::from(self.action.clone());
        for (value, set) in [
            (signals.ip_address, Track::ip_address as fn(Track, String) -> Track),
            (signals.user_agent, Track::user_agent),
            (signals.device_id, Track::device_id),
            (user.locale.take().or(signals.locale), Track::locale),
            (self.authsignal.custom_domain.clone(), Track::custom_domain),
            (self.scope.clone(), Track::scope),
            (user.email.take(), Track::email),
            (user.phone_number.take(), Track::phone_number),
            (user.username.take(), Track::username),
        ] {
            if let Some(value) = value {
                track = set(track, value);
            }
        }
        if self.redirect_to_settings {
            track = track.redirect_to_settings(true);
        }
        let custom = match &self.custom {
            Some(custom) => match self.unless_it_panics("AuthsignalLayer::custom", || custom(parts)) {
                Ok(custom) => Some(custom),
                Err(reason) => overlooked.or_stop(reason).map(|()| None)?,
            },
            None => None,
        };
        let custom = match actor {
            Actor::Person => custom,
            other => Some(custom.unwrap_or_default().with(ACTOR, other.as_str())),
        };
        let custom = match actor {
            Actor::Impersonator(_) => custom.map(|custom| custom.with(ON_BEHALF_OF, account.as_str())),
            _ => custom,
        };
        let custom = match read {
            Some(read) => Some(self.joined(custom.unwrap_or_default(), read, overlooked)?),
            None => custom,
        };
        Ok(match custom {
            Some(custom) => track.custom(custom),
            None => track,
        })
    }

    /// Tells Authsignal these data points as well; of two with one name, these.
    pub(super) fn telling(mut self, data: CustomData) -> Self {
        let usual = self.custom.take();
        self.custom = Some(Arc::new(move |parts| {
            let mut all = usual.as_ref().map_or_else(CustomData::new, |usual| usual(parts));
            all.extend(data.iter().map(|(name, value)| (name, value.clone())));
            all
        }));
        self
    }

    pub(super) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("action", &self.action).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Guard", f)
    }
}
