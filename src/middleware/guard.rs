//! One request's way through: who, whether a flow covers it, what Authsignal says, what we do.
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, OriginalUri};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, Uri, header};

use super::ReplayBody;
use super::body::Reading;
use crate::authsignal::Inner;
use crate::browser::{BrowserId, random};
use crate::client::{ActionCode, ActionState, CustomData, IdempotencyKey, Track, Tracked, UserId};
use crate::coverage::{Binding, Shape, digest};
use crate::decision::{Decision, Passed, Policy, Proving, Refused, decide};
use crate::facts::Facts;
use crate::flow::{Challenge, Flow, Opening, Proof, RequestId, Stage};
use crate::identify::User;
use crate::keeper::{BindingHash, Meeting, Opened, Ticket};
use crate::outage::Outage;
use crate::refusal::{Refusal, RefusalReason};
use crate::respond::{Caller, ChallengeAnswer, is_prefetch, rejected};
use crate::store;
use crate::verdict::{self, Grounds, Verdict};

/// A closure that gives data points for a request.
pub(super) type Custom = Arc<dyn Fn(&Parts) -> CustomData + Send + Sync>;

/// What guards one route.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) authsignal: Arc<Inner>,
    pub(super) action: ActionCode,
    pub(super) policy: Policy,
    pub(super) custom: Option<Custom>,
}

/// Why a request goes no further.
enum Stop {
    Refuse(RefusalReason),
    /// No decision, with what the service said of when to try again.
    Outage(Outage, Option<Duration>),
    Challenge {
        answer: Box<ChallengeAnswer>,
        new_browser: Option<BrowserId>,
    },
    /// The response of an extractor that identifies.
    Respond(Box<Response<Bytes>>),
}

impl From<RefusalReason> for Stop {
    fn from(reason: RefusalReason) -> Self {
        Self::Refuse(reason)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Refuse(Outage::of_store(&error).into())
    }
}

/// The request that is being decided.
pub(super) struct Case<'a> {
    guard: &'a Guard,
    user: User,
    user_id: UserId,
    pub(super) target: Uri,
    request: RequestId,
}

impl Guard {
    /// Decides a request: it goes on, with its verdict, or it is answered here.
    pub(super) async fn decide<B: ReplayBody>(&self, request: Request<B>) -> Result<Request<B>, Response<Bytes>> {
        let (mut parts, body) = request.into_parts();
        match self.judge(&mut parts, Reading::Unread(body)).await {
            Ok((body, verdict)) => {
                parts.extensions.insert(verdict);
                Ok(Request::from_parts(parts, body.replay()))
            }
            Err(stop) => Err(self.stop(&parts, stop)),
        }
    }

    fn stop(&self, parts: &Parts, stop: Stop) -> Response<Bytes> {
        let answers = &self.authsignal.answers;
        match stop {
            Stop::Refuse(reason) => {
                tracing::info!(action = %self.action, reason = reason.as_str(), state = reason.state(), "request refused");
                answers.refuse(parts, Refusal::new(reason, Some(&self.action)))
            }
            Stop::Outage(outage, wait) => {
                answers.refuse(parts, Refusal::new(outage.into(), Some(&self.action)).retry_after_of(wait))
            }
            Stop::Challenge { answer, new_browser } => {
                tracing::info!(action = %self.action, "request challenged");
                let mut response = answers.challenge(parts, &answer);
                if let Some(browser) = new_browser {
                    response.headers_mut().append(header::SET_COOKIE, self.authsignal.cookie.set(&browser));
                }
                response
            }
            Stop::Respond(response) => {
                tracing::info!(action = %self.action, status = response.status().as_u16(), "refused by an extractor");
                rejected(*response, Some(&self.action))
            }
        }
    }

    async fn judge<B: ReplayBody>(
        &self,
        parts: &mut Parts,
        mut body: Reading<B>,
    ) -> Result<(Reading<B>, Verdict), Stop> {
        if is_prefetch(&parts.headers) {
            return Err(RefusalReason::Prefetch.into());
        }
        let target = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |uri| uri.0.clone());
        if !target.path().starts_with('/') {
            return Err(RefusalReason::InvalidTarget.into());
        }
        if target.path() == self.authsignal.callback_url.path() {
            tracing::error!("the callback is guarded by a layer, so nobody can come back: merge `routes()` outside it");
            return Err(RefusalReason::CallbackGuarded.into());
        }
        let user = self.authsignal.identify(parts).await.map_err(|response| Stop::Respond(Box::new(response)))?;
        let user = user.ok_or(RefusalReason::Unauthenticated)?;
        let user_id = UserId::new(user.id()).map_err(RefusalReason::InvalidUser)?;

        let outer = parts.extensions.get::<Verdict>();
        let request = outer.map_or_else(|| RequestId(random()), |verdict| verdict.inner().request);
        let case = Case { guard: self, user, user_id, target, request };
        if let Some(outer) = outer.filter(|outer| case.is_decided_by(outer.inner())) {
            return Ok((body, outer.clone()));
        }

        let browser = self.authsignal.cookie.read(&parts.headers);
        if let Some(browser) = &browser {
            if self.policy.coverage.reads_body() {
                body = body.read(self.authsignal.body_limit).await?;
            }
            if let Some(binding) = case.binding(parts, body.whole()) {
                match self.authsignal.keeper.meet(browser, &binding, case.request).await? {
                    Meeting::Pass(proof, flow) => {
                        case.mark_sent(parts, browser, &binding, &flow).await;
                        return Ok((body, case.verified(&proof, &flow.opening)));
                    }
                    Meeting::SameChallenge(flow) => {
                        body = case.read_for_challenge(parts, body).await?;
                        let back = case.back(parts, body.whole());
                        case.lead_back(browser, &binding, &flow, back).await?;
                        return Err(case.challenge(&flow, None));
                    }
                    Meeting::Repeated(flow) if case.is_form_of(parts, &flow) => {
                        return Err(RefusalReason::AlreadyDone.into());
                    }
                    Meeting::Repeated(_) | Meeting::Nothing => {}
                }
            }
        }

        let attempt = IdempotencyKey::random();
        let ticket = Ticket::random();
        let tracked = case.track(parts, &attempt, ticket).await?;
        match decide(&tracked.state, tracked.is_enrolled, self.policy.unenrolled) {
            Decision::Pass(passed) => Ok((body, case.passed(passed, tracked.state, attempt))),
            Decision::Refuse(Refused::State(state)) => Err(RefusalReason::State(state).into()),
            Decision::Refuse(Refused::Unenrolled) => Err(RefusalReason::NotEnrolled.into()),
            Decision::Challenge(proving) => {
                if browser.is_none() && case.is_planted(parts) {
                    return Err(RefusalReason::CrossSite.into());
                }
                body = case.read_for_challenge(parts, body).await?;
                let verdict =
                    case.open(parts, body.whole().cloned(), browser, ticket, attempt, tracked, proving).await?;
                Ok((body, verdict))
            }
        }
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

impl Case<'_> {
    pub(super) fn authsignal(&self) -> &Inner {
        &self.guard.authsignal
    }

    /// Whether an outer layer's verdict answers this one's question (threat T61).
    fn is_decided_by(&self, outer: &verdict::Inner) -> bool {
        outer.tenant == self.authsignal().tenant
            && outer.action == self.guard.action
            && outer.user == self.user_id
            && self.guard.policy.is_met_by(&outer.policy)
    }

    /// What a flow for this request is found by; `None` while a body that belongs to it has not been read, or is too
    /// long to be.
    fn binding(&self, parts: &Parts, body: Option<&Bytes>) -> Option<BindingHash> {
        let coverage = self.guard.policy.coverage;
        let bytes: &[u8] = if coverage.reads_body() { body? } else { &[] };
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let shape = Shape { method: &parts.method, target: &self.target, route, headers: &parts.headers };
        let binding = Binding {
            tenant: &self.authsignal().tenant,
            user: self.user_id.as_str(),
            session: self.user.session.as_deref(),
            action: self.guard.action.as_str(),
        };
        Some(binding.hash(&digest(coverage, self.guard.policy.remember, &shape, bytes)))
    }

    async fn track(&self, parts: &Parts, attempt: &IdempotencyKey, ticket: Ticket) -> Result<Tracked, Stop> {
        let authsignal = self.authsignal();
        let facts = Facts::of(parts, authsignal.ip_source);
        let mut track = Track::new(self.guard.action.clone())
            .idempotency_key(attempt.clone())
            .redirect_url(authsignal.callback_for(ticket));
        for (value, set) in [
            (facts.ip_address, Track::ip_address as fn(Track, String) -> Track),
            (facts.user_agent, Track::user_agent),
            (facts.device_id, Track::device_id),
            (self.user.email.clone(), Track::email),
            (self.user.phone_number.clone(), Track::phone_number),
            (self.user.username.clone(), Track::username),
        ] {
            if let Some(value) = value {
                track = set(track, value);
            }
        }
        if let Some(custom) = &self.guard.custom {
            track = track.custom(custom(parts));
        }
        authsignal
            .client
            .track(&self.user_id, track)
            .await
            .map_err(|error| Stop::Outage(Outage::of_service(&error, &self.guard.action), error.retry_after()))
    }

    /// Reads the body of a request that has to be challenged, where the approval covers it or a form is to be kept.
    async fn read_for_challenge<B: ReplayBody>(&self, parts: &Parts, body: Reading<B>) -> Result<Reading<B>, Stop> {
        let covered = self.guard.policy.coverage.reads_body();
        let kept = self.authsignal().answers.caller(parts) == Caller::Navigation && parts.method == Method::POST;
        if !covered && !kept {
            return Ok(body);
        }
        let body = body.read(self.authsignal().body_limit).await?;
        if covered && body.whole().is_none() { Err(RefusalReason::BodyTooLarge.into()) } else { Ok(body) }
    }

    /// Writes the flow of a challenge, then answers with it. A request whose twin was approved meanwhile passes.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own that the flow keeps")]
    async fn open(
        &self,
        parts: &Parts,
        body: Option<Bytes>,
        browser: Option<BrowserId>,
        ticket: Ticket,
        attempt: IdempotencyKey,
        tracked: Tracked,
        proving: Proving,
    ) -> Result<Verdict, Stop> {
        let authsignal = self.authsignal();
        let keeper = &authsignal.keeper;
        let url = tracked.url.as_ref().and_then(|url| authsignal.challenge_hosts.check(url.secret()));
        let Some(url) = url else {
            tracing::error!(action = %self.guard.action, "no challenge URL that users may be sent to");
            return Err(RefusalReason::UntrustedChallenge.into());
        };
        let url = if proving == Proving::Enrol { url.force_enrollment() } else { url };
        let binding = self.binding(parts, body.as_ref()).ok_or(RefusalReason::BodyTooLarge)?;
        let back = self.back(parts, body.as_ref());
        let flow = Flow {
            opening: Opening {
                attempt,
                user: self.user_id.clone(),
                session: self.user.session.clone(),
                action: self.guard.action.clone(),
                remember: self.guard.policy.remember,
                challenge: Challenge { url: url.into(), token: tracked.token, state: tracked.state },
                back: back.clone(),
            },
            stage: Stage::pending(keeper.now(), keeper.challenge_life),
        };
        let (browser, new_browser) = match browser {
            Some(browser) => (browser, None),
            None => {
                let browser = BrowserId::random();
                (browser.clone(), Some(browser))
            }
        };
        keeper.write_ticket(&browser, ticket, &binding).await?;
        match keeper.open(&browser, &binding, self.request, flow).await? {
            Opened::New(flow) => Err(self.challenge(&flow, new_browser)),
            Opened::Joined(flow) => {
                self.lead_back(&browser, &binding, &flow, back).await?;
                Err(self.challenge(&flow, new_browser))
            }
            Opened::Pass(proof, flow) => Ok(self.verified(&proof, &flow.opening)),
        }
    }

    fn challenge(&self, flow: &Flow, new_browser: Option<BrowserId>) -> Stop {
        let challenge = &flow.opening.challenge;
        let Some(url) = self.authsignal().challenge_hosts.check(challenge.url.secret()) else {
            return RefusalReason::UntrustedChallenge.into();
        };
        let answer = ChallengeAnswer {
            action: flow.opening.action.clone(),
            state: challenge.state.clone(),
            url,
            token: challenge.token.clone(),
            attempt: flow.opening.attempt.clone(),
            expires: flow.stage.until,
        };
        Stop::Challenge { answer: Box::new(answer), new_browser }
    }

    fn passed(&self, passed: Passed, state: ActionState, attempt: IdempotencyKey) -> Verdict {
        let grounds = match passed {
            Passed::Allowed => Grounds::Allowed,
            Passed::Settled => Grounds::Settled(state),
            Passed::Unenrolled => {
                self.warn_of_unenrolled();
                Grounds::Unenrolled
            }
        };
        self.verdict(grounds, attempt)
    }

    fn verified(&self, proof: &Proof, opening: &Opening) -> Verdict {
        let grounds = Grounds::Verified { method: proof.method.clone(), at: proof.at.to_system_time() };
        self.verdict(grounds, opening.attempt.clone())
    }

    fn verdict(&self, grounds: Grounds, attempt: IdempotencyKey) -> Verdict {
        tracing::debug!(action = %self.guard.action, grounds = ?grounds, "request passed");
        Verdict::new(verdict::Inner {
            user: self.user_id.clone(),
            action: self.guard.action.clone(),
            attempt,
            grounds,
            tenant: Arc::clone(&self.authsignal().tenant),
            policy: self.guard.policy,
            request: self.request,
        })
    }

    /// Once per action: every such request passes without a proof, which nobody may notice otherwise (complaint C9).
    fn warn_of_unenrolled(&self) {
        let mut warned = self.authsignal().warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(self.guard.action.clone()) {
            tracing::warn!(
                action = %self.guard.action,
                "a user with nothing enrolled passed, because Authsignal answers ALLOW for them; \
                 `AuthsignalLayer::unenrolled` can ask them to enrol, or refuse them"
            );
        }
    }
}
