//! Decisions for what has no request: jobs of a queue, messages of a WebSocket, scheduled work.
use std::fmt;
use std::pin::Pin;

use authsignal_client::{CustomData, IdempotencyKey};
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Method, Request, header};
use tracing::Instrument as _;

use super::pending::{PendingDecision, Waited};
use crate::authsignal::Authsignal;
use crate::config::ConfigError;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::decided::trail::span;
use crate::domain::actor::Actor;
use crate::domain::coverage::{Address, Coverage};
use crate::domain::flow::RequestId;
use crate::domain::ticket::Ticket;
use crate::hex::hexadecimal;
use crate::middleware::body::Reading;
use crate::middleware::guard::{Guard, Whose};
use crate::middleware::judge::Way;
use crate::middleware::layer::AuthsignalLayer;
use crate::middleware::overlooked::Overlooked;
use crate::middleware::particulars::{Asker, Particulars, digest};
use crate::middleware::stop::Stop;
use crate::outage::Outage;
use crate::random::random;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::identify::User;
use crate::store::flows::Holder;
use crate::store::flows::waiting_decision::WaitingDecision;
use crate::verdict::Verdict;
use crate::verdict::question::LayerId;

/// The headers of a request that say how it wants to be answered, or speak for its client alone.
const OF_THE_REQUEST: [HeaderName; 5] = [
    header::HOST,
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("authsignal-token"),
];

/// What is to be decided without a request, and nobody asked yet: [`Authsignal::decide`]. It is decided where it is awaited.
#[must_use = "nothing is decided before it is awaited"]
pub struct Decide {
    layer: Result<AuthsignalLayer, ConfigError>,
    user: User,
    data: CustomData,
    key: Option<String>,
    parts: Box<Parts>,
    is_seen: bool,
}

/// What came of a decision without a request: [`Authsignal::decide`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Do it.
    Passed(Verdict),
    /// The user has to prove it first. Nothing is to be done until they have: [`PendingDecision::wait`].
    Pending(PendingDecision),
    /// Do not.
    Refused(Refusal),
    /// Nobody could decide: Authsignal or the store is out, or a budget is used up. Do not, and try again later
    /// ([`Refusal::retry_after`]).
    Unavailable(Refusal),
}

impl Decision {
    /// A refusal, as what it means for whoever asked.
    pub(super) fn of(refusal: Refusal) -> Self {
        match refusal.reason() {
            RefusalReason::Outage(_) | RefusalReason::OverBudget(_) => Self::Unavailable(refusal),
            _ => Self::Refused(refusal),
        }
    }
}

impl Authsignal {
    /// Asks whether this user may do `action`, for what has no request: a job of a queue, a message of a WebSocket, scheduled
    /// work. Await it.
    ///
    /// It is decided as behind an [`AuthsignalLayer`] of this action, with its budgets and its rules for outages: where
    /// Authsignal is out, nothing passes. A challenge has no browser here: its user opens
    /// [`PendingDecision::url`], or approves in the application's own app or by push, and whoever asked
    /// [waits](PendingDecision::wait), or stores the [id](PendingDecision::id) and comes back.
    /// [`AuthsignalLayer::decide`] is the same with a layer's policies.
    ///
    /// An `action` that is no action code is refused, and the log says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use authsignal_emulator::{Emulator, Outcome};
    /// use axum_authsignal::{Authsignal, Decision, User, Waited, client::CustomData};
    /// # use axum::http::HeaderMap;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = Emulator::in_process()?;
    /// # emulator.user("ada").enroll_email_otp("ada@example.com");
    /// # emulator.set_outcome("payout", Outcome::Challenge);
    /// # let authsignal = Authsignal::builder(emulator.client())
    /// #     .callback_url("https://app.example.com/authsignal/callback")
    /// #     .identify(|_: HeaderMap| async { None::<User> })
    /// #     .build()?;
    /// let decided = authsignal
    ///     .decide(User::new("ada"), "payout")
    ///     .idempotency_key("job-7") // A job that is run twice is one action.
    ///     .data(CustomData::new().with("amount", 10_000))
    ///     .await;
    /// let verdict = match decided {
    ///     Decision::Passed(verdict) => verdict,
    ///     Decision::Pending(pending) => {
    ///         // Tell the user; here, they prove it at once.
    ///         emulator.succeed(pending.url().ok_or("no address")?)?;
    ///         match pending.wait(Duration::from_secs(60)).await {
    ///             Waited::Verified(verdict) => verdict,
    ///             other => return Err(format!("not done: {other:?}").into()),
    ///         }
    ///     }
    ///     other => return Err(format!("not done: {other:?}").into()),
    /// };
    /// assert!(verdict.is_verified());
    /// # Ok(())
    /// # }
    /// ```
    pub fn decide(&self, user: User, action: impl Into<String>) -> Decide {
        Decide::new(AuthsignalLayer::try_new(self, action), user)
    }
}

impl AuthsignalLayer {
    /// As [`Authsignal::decide`], with the policies of this layer, which need not be around any route. What it
    /// [covers](Self::covers) and [remembers](Self::remember) is a request's, and does not count here; `docs/handlers.md` says of each
    /// setting whether it does.
    ///
    /// A layer that reads bodies ([`transaction`](Self::transaction), [`custom_json`](Self::custom_json),
    /// [`custom_form`](Self::custom_form)) has none to read: it is refused ([`RefusalReason::Unguarded`]), Authsignal is not asked,
    /// and the log says to give the [data](Decide::data) instead.
    pub fn decide(&self, user: User) -> Decide {
        Decide::new(Ok(self.clone()), user)
    }
}

impl Decide {
    fn new(layer: Result<AuthsignalLayer, ConfigError>, user: User) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        Self { layer, user, data: CustomData::new(), key: None, parts: Box::new(parts), is_seen: false }
    }

    /// Names the attempt: the same name, for the same user, action and data points, is one action, whoever asks and however
    /// often. A job's id, say, so that a job that is run twice asks its user once; an approval that was given is found again
    /// for five minutes. Default: each decision is an attempt of its own.
    ///
    /// The key at Authsignal is this and a digest, so that what was approved with other data points is another attempt.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Data points for Authsignal's rules. An approval is for these alone. Default: none.
    pub fn data(mut self, data: CustomData) -> Self {
        self.data = data;
        self
    }

    /// Whoever asked did so with this request, such as the one that became the WebSocket: Authsignal is told the address, the
    /// device and the language, and what a page of another site began is never challenged. Default: it is told none of these.
    pub fn request(mut self, parts: &Parts) -> Self {
        *self.parts = parts.clone();
        self.is_seen = true;
        self.parts.method = Method::POST;
        self.parts.extensions.remove::<Verdict>();
        for name in OF_THE_REQUEST {
            self.parts.headers.remove(name);
        }
        self
    }

    async fn decide(self) -> Decision {
        let Self { layer, user, data, key, mut parts, is_seen } = self;
        let layer = match layer.and_then(AuthsignalLayer::checked) {
            Ok(layer) => layer,
            Err(error) => {
                tracing::error!(%error, setter = "Authsignal::decide", "a decision was asked for that cannot be had");
                return Decision::Refused(Refusal::new(RefusalReason::Unguarded, None));
            }
        };
        let refuse = |reason| Decision::of(Refusal::new(reason, Some(&layer.guard.action)));
        // An empty body would be read in the place of what is decided: another value, or none.
        if layer.guard.reader.is_some() {
            tracing::error!(
                action = %layer.guard.action,
                setter = "Decide::data",
                "a layer that reads bodies (`transaction`, `custom_json`, `custom_form`) cannot decide without a request: decide with a \
                 layer that reads none, and give what it is about with `.data(value.data_points())`"
            );
            return refuse(RefusalReason::Unguarded);
        }
        let is_named = key.is_some();
        let (attempt, digest) = match name(&layer, &user, &data, key) {
            Ok(named) => named,
            Err(reason) => return refuse(reason),
        };
        // Nothing but who asks, and for what, is there to be covered; the attempt is a part of that.
        let user = User { is_bearer: true, ..user };
        let asker = Asker { user: user.clone(), attempt: Some(attempt.clone()), is_seen };
        let particulars = Particulars { digest: Some(digest), asker: Some(Box::new(asker)), earlier: Vec::new() };
        let mut guard = Guard { id: LayerId::new(), particulars, ..layer.guard.clone() }.telling(data);
        guard.policy.coverage = Coverage::Action;
        guard.policy.remember = None;
        let asked = match guard.asked_without_request(&parts, user, &attempt) {
            Ok(asked) => asked,
            Err(reason) => return refuse(reason),
        };
        if is_named && let Some(found) = guard.found(&asked).await {
            return found;
        }

        let span = span(&guard.action, None);
        let body = Reading::<Body>::Whole(Bytes::new());
        let settled = Box::pin(guard.settle(&mut parts, body, span.clone()).instrument(span)).await;
        match settled {
            Ok(Way { verdict: Some(verdict), spending, .. }) => {
                if let Some(spending) = spending {
                    spending.keep();
                }
                Decision::Passed(verdict)
            }
            Ok(Way { verdict: None, .. }) => refuse(RefusalReason::Unauthenticated),
            Err((stop, trail)) => {
                let pending = match &stop {
                    Stop::Challenge { answer, .. } => Some(PendingDecision::begun(&guard.authsignal, asked, answer)),
                    Stop::UnderReview { flow, .. } => {
                        Some(PendingDecision::under_review(&guard.authsignal, asked, flow))
                    }
                    _ => None,
                };
                let answer = stop.respond(&guard, &parts, &trail);
                match (pending, answer.extensions().get::<Refusal>()) {
                    (Some(pending), _) => Decision::Pending(pending),
                    (None, Some(refusal)) => Decision::of(refusal.clone()),
                    (None, None) => refuse(RefusalReason::UntrustedChallenge),
                }
            }
        }
    }
}

/// The attempt's key, and the digest of what an approval of it is for.
fn name(
    layer: &AuthsignalLayer,
    user: &User,
    data: &CustomData,
    key: Option<String>,
) -> Result<(IdempotencyKey, [u8; 32]), RefusalReason> {
    let mut fields = digest("decided", data)?;
    fields.add(layer.guard.action.as_str());
    fields.add(&user.id);
    fields.add([u8::from(user.session.is_some())]);
    fields.add(user.session.as_deref().unwrap_or_default());
    fields.add([u8::from(user.is_machine)]);
    fields.add(user.impersonator.as_deref().unwrap_or_default());
    let Some(key) = key else {
        let attempt = IdempotencyKey::random();
        fields.add(attempt.as_str());
        return Ok((attempt, fields.finish()));
    };
    fields.add(&key);
    let digest = fields.finish();
    // A name that is no key, or leaves no room, is in the digest all the same.
    let readable = IdempotencyKey::new(format!("{key}.{}", hexadecimal(&digest[..16])));
    let attempt =
        readable.or_else(|_| IdempotencyKey::new(hexadecimal(&digest))).map_err(RefusalReason::InvalidUser)?;
    Ok((attempt, digest))
}

impl Guard {
    /// What is asked, and what its flow is found by.
    fn asked_without_request(
        &self,
        parts: &Parts,
        user: User,
        attempt: &IdempotencyKey,
    ) -> Result<WaitingDecision, RefusalReason> {
        let place = &self.authsignal.places.main;
        let ticket = Ticket::from_random(random());
        let mut overlooked = Overlooked::new(&self.policy.extent);
        let question =
            self.question(parts, user, Address::nowhere(), place, (attempt, ticket), (None, &mut overlooked))?;
        let covered = (Coverage::Action, None, &self.policy.proof, &[][..]);
        let binding = self.binding_of(place, Whose::of(&question), &question.address, parts, covered);
        Ok(WaitingDecision {
            user: question.user,
            account: question.account,
            is_machine: question.actor == Actor::Machine,
            is_review: false,
            action: question.action,
            attempt: attempt.clone(),
            binding,
            until: self.authsignal.flows.now(),
        })
    }

    /// What is known of an attempt that was named and began before.
    async fn found(&self, asked: &WaitingDecision) -> Option<Decision> {
        let authsignal = &self.authsignal;
        let run = RequestId(random());
        let flow = match authsignal.flows.look(&Holder::Bearer, &asked.binding, run).await {
            Ok(found) => found?.1,
            Err(error) => {
                let outage = Outage::of_store(&error);
                return Some(Decision::of(Refusal::new(outage.into(), Some(&self.action))));
            }
        };
        // What somebody has looked at passes once, as any request.
        if flow.opening.is_review || !flow.stage.is_live(authsignal.flows.now()) {
            return None;
        }
        let decision = WaitingDecision { attempt: flow.opening.attempt, until: flow.stage.until, ..asked.clone() };
        let pending = PendingDecision::of(authsignal, decision, flow.challenge);
        Some(match pending.check().await {
            Waited::Verified(verdict) => {
                let ended = Ended {
                    method: verdict.grounds().method(),
                    user: Some(verdict.user_id()),
                    actor: Some(verdict.actor()),
                    ..Ended::new(Outcome::Verified, Some(&self.action), Some(verdict.decision_id()))
                };
                authsignal.listeners.tell(&ended);
                Decision::Passed(verdict)
            }
            Waited::Refused(refusal) => Decision::Refused(refusal),
            Waited::Unavailable(refusal) => Decision::Unavailable(refusal),
            Waited::Pending => Decision::Pending(pending),
            Waited::Expired => return None,
        })
    }
}

impl IntoFuture for Decide {
    type Output = Decision;
    type IntoFuture = Pin<Box<dyn Future<Output = Decision> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.decide())
    }
}

impl fmt::Debug for Decide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.layer.as_ref().ok().map(|layer| &layer.guard.action);
        f.debug_struct("Decide").field("user", &self.user).field("action", &action).finish_non_exhaustive()
    }
}
