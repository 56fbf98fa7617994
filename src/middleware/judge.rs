//! One request's way through: who, whether a flow covers it, what Authsignal says, what we do.
use std::array::from_fn;
use std::mem::take;
use std::sync::Arc;

use authsignal_client::{ActionState, IdempotencyKey};
use axum::extract::MatchedPath;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::asked::Asked;
use super::body::{Reading, ReplayBody};
use super::browser::early;
use super::case::{Case, Challenged};
use super::covering::{Approved, Covering};
use super::guard::Guard;
use super::overlooked::Overlooked;
use super::stop::Stop;
use super::token;
use super::tracked::reason_of;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::decided::trail::{Trail, span};
use crate::domain::actor::NoPerson;
use crate::domain::decision::{Decision, Passed, Proving, Refused};
use crate::domain::extent::SkipReason;
use crate::domain::failover::Undecided;
use crate::domain::flow::{RequestId, Unproven};
use crate::domain::place::Name;
use crate::domain::ticket::Ticket;
use crate::random::random;
use crate::refusal::RefusalReason;
use crate::request::prefetch::is_prefetch;
use crate::store::flows::{Holder, Spending};
use crate::upstream::Unanswered;
use crate::verdict::question::Run;
use crate::verdict::{Grounds, Verdict};

/// A request that goes on, or its answer.
pub(super) type Decided<B> = Result<Passing<B>, Response<Bytes>>;

/// A request that goes on to its handler.
pub(super) struct Passing<B> {
    pub(super) request: Request<B>,
    /// What was spent on it.
    pub(super) spending: Option<Spending>,
    /// The id that its browser gets with the handler's response.
    pub(super) early: Option<HeaderValue>,
}

/// What a request goes on with.
pub(super) struct Way<B> {
    body: Reading<B>,
    /// None where nobody asks.
    pub(super) verdict: Option<Verdict>,
    pub(super) spending: Option<Spending>,
}

impl<B> Way<B> {
    pub(super) fn new(body: Reading<B>, verdict: Verdict) -> Self {
        Self { body, verdict: Some(verdict), spending: None }
    }
}

/// The names that a request gets, out of one read of random bytes.
struct RandomIds {
    run: RequestId,
    attempt: IdempotencyKey,
    ticket: Ticket,
}

impl RandomIds {
    fn new() -> Self {
        let bytes: [u8; 64] = random();
        Self {
            run: RequestId(from_fn(|at| bytes[at])),
            attempt: IdempotencyKey::from_random(from_fn(|at| bytes[16 + at])),
            ticket: Ticket::from_random(from_fn(|at| bytes[32 + at])),
        }
    }
}

/// What the service said, as far as a log is to repeat it (threat T98).
fn in_few_words(state: &ActionState, rule_ids: &[String]) -> String {
    let few = |text: &str| text.escape_debug().take(64).collect::<String>();
    let rules: Vec<_> = rule_ids.iter().take(8).map(|id| few(id)).collect();
    let state = few(state.as_str());
    if rules.is_empty() { state } else { format!("{state}, rules {}", rules.join(" ")) }
}

impl Guard {
    /// Decides a request: it goes on, with its verdict, or it is answered here.
    pub(super) fn decide<B: ReplayBody>(
        self: Arc<Self>,
        request: Request<B>,
    ) -> impl Future<Output = Decided<B>> + Send {
        // Taken apart before the future begins, which would have room for the whole beside its parts.
        let (mut parts, body) = request.into_parts();
        let span = span(&self.action, parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str));
        let trail_span = span.clone();
        let deciding = async move {
            let early = early(&self.authsignal, &parts);
            match self.settle(&mut parts, Reading::Unread(body), trail_span).await {
                Ok(Way { body, verdict, spending }) => {
                    // What an outer layer said is not for the handler of this one, also where this one says nothing.
                    self.pass_value(&mut parts, verdict.as_ref());
                    match verdict {
                        Some(verdict) => parts.extensions.insert(verdict),
                        None => parts.extensions.remove::<Verdict>(),
                    };
                    Ok(Passing { request: Request::from_parts(parts, body.replay()), spending, early })
                }
                Err((stop, trail)) => Err(stop.respond(&self, &parts, &trail)),
            }
        };
        deciding.instrument(span)
    }

    /// Decides, and tells of it where it passes; what goes no further is told of by its answer, with the trail beside it.
    pub(super) async fn settle<B: ReplayBody>(
        &self,
        parts: &mut Parts,
        body: Reading<B>,
        span: Span,
    ) -> Result<Way<B>, (Stop, Trail)> {
        let mut ids = RandomIds::new();
        if let Some(attempt) = self.particulars.attempt() {
            ids.attempt = attempt;
        }
        let trail = Trail::new(&self.authsignal.listeners, ids.attempt.clone(), span);
        let way = match self.judge(parts, body, ids, &trail).await {
            Ok(way) => way,
            Err(stop) => return Err((stop, trail)),
        };
        // What is observed is told once Authsignal was.
        if let Some(verdict) = way.verdict.as_ref().filter(|verdict| *verdict.grounds() != Grounds::Observed) {
            let grounds = verdict.grounds();
            let ended = Ended {
                method: grounds.method(),
                outage: grounds.outage(),
                skipped: grounds.skipped(),
                ..self.ended(parts, grounds.outcome())
            };
            trail.is_of(verdict.decision_id());
            trail.end(&self.authsignal.listeners, ended);
        }
        #[cfg(feature = "testing")]
        crate::verdict::witness::Witness::tell(parts, way.verdict.as_ref());
        Ok(way)
    }

    /// What becomes of a request. It passes without a verdict only where nobody asks: a preflight.
    ///
    /// What most requests do not come to is a future of its own, in a box: a future has room for all that it may wait for, and
    /// for what it holds meanwhile, and what is allowed need not carry that.
    async fn judge<B: ReplayBody>(
        &self,
        parts: &mut Parts,
        mut body: Reading<B>,
        RandomIds { run, attempt, ticket }: RandomIds,
        trail: &Trail,
    ) -> Result<Way<B>, Stop> {
        trail.at("token");
        let (token, is_prefetch) = (token::take_off(parts), is_prefetch(parts));
        // Where nothing is asked for, nothing but the want of a user stops a request.
        let extent = &self.policy.extent;
        let mut overlooked = Overlooked::new(extent);
        token.or_else(|reason| overlooked.or_stop(reason))?;
        if extent.can_stop() {
            trail.at("prefetch");
            if is_prefetch {
                return Err(RefusalReason::Prefetch.into());
            }
        }
        let Some(mut asked) = self.asked(parts, body.is_empty(), trail, &mut overlooked).await? else {
            return Ok(Way { body, verdict: None, spending: None });
        };
        if let Some(reader) = &self.reader {
            (body, asked.read) = Box::pin(self.read_body(reader, parts, body, &mut overlooked, trail)).await?;
        }

        trail.at("user id");
        let (case, answered) = self.case(parts, asked, (run, &attempt, ticket), trail, &mut overlooked)?;
        if let Some(verdict) = answered {
            return Ok(Way::new(body, verdict));
        }
        trail.at("extent");
        // What would be stopped before it is looked at which requests are asked about is recorded as that.
        let is_stopped_before = extent.off.is_none() && overlooked.reason().is_some();
        if !is_stopped_before && let Some(reason) = self.unasked(&case, parts).await {
            trail.found(|| reason.as_str().to_owned());
            return Ok(Way::new(body, case.skipped(reason, attempt)));
        }
        if extent.is_observed {
            if is_prefetch {
                return Ok(Way::new(body, case.skipped(SkipReason::Prefetch, attempt)));
            }
            trail.found(|| "observed".to_owned());
            trail.is_observed();
            Box::pin(self.observe(&case, parts, &attempt, overlooked)).await;
            return Ok(Way::new(body, case.observed(attempt)));
        }
        let no_person = self.policy.no_person(&case.question.actor);
        if no_person.is_some() {
            trail.at("actor");
            trail.found(|| case.question.actor.to_string());
        }
        if no_person == Some(NoPerson::Refuse) {
            return Err(RefusalReason::NoPerson.into());
        }
        // What a page of another origin makes a browser send is on nobody's mind: no approval was given for it, and none is
        // asked for (threat T42).
        let is_foreign = case.is_foreign(parts);

        let known = self.authsignal.cookie.known(&parts.headers);
        let holder = if case.is_bearer {
            (token::is_brought(parts) || self.policy.review.is_some()).then_some(Holder::Bearer)
        } else {
            known.as_ref().filter(|known| known.was_challenged).map(|known| Holder::Browser(known.id.clone()))
        };
        if is_foreign {
            trail.at("origin");
            trail.found(|| "a page of another origin sends it".to_owned());
        }
        let mut insufficient = None;
        if let Some(holder) = holder.filter(|_| !is_foreign) {
            trail.at("flow");
            let (read, covering) = Box::pin(self.covering(&case, parts, body, (holder, ticket))).await?;
            body = read;
            match covering {
                Covering::Approved(approved) => {
                    let Approved { proof, flow, spending } = *approved;
                    return Ok(Way { spending, ..Way::new(body, case.verified(&proof, &flow.opening)) });
                }
                Covering::Insufficient(shortfall) => insufficient = Some(shortfall),
                Covering::Nothing => {}
            }
        }

        let account = case.account(parts);
        let (ledger, now) = (&self.authsignal.ledger, || self.authsignal.flows.now());
        trail.at("budgets");
        if let Some(over) = ledger.over(account, now()) {
            trail.found(|| format!("over `{}`", over.0.as_str()));
            return Err(Stop::Over(over));
        }
        trail.at("track");
        let asked = Instant::now();
        let mut tracked = match case.track().await {
            Ok(tracked) => tracked,
            Err(Unanswered { outage, wait }) if no_person.is_some() => {
                return Err(Stop::Outage { outage, wait, no_failover: None });
            }
            Err(Unanswered { outage, wait }) => {
                trail.found(|| format!("no answer: {}", outage.as_str()));
                trail.at("failover");
                trail.found(|| format!("the route says `{}`", self.policy.on_outage.as_str()));
                let undecided = Undecided { outage, is_foreign, is_unsettled: case.is_unsettled() };
                return Box::pin(self.failover(case, parts, body, attempt, (undecided, wait))).await;
            }
        };
        let (rule_ids, took) = (take(&mut tracked.rule_ids), asked.elapsed());
        trail.found(|| in_few_words(&tracked.state, &rule_ids));
        trail.asked(rule_ids, took);
        trail.at("policy");
        trail.found(|| {
            let enrolled = match tracked.is_enrolled {
                Some(true) => "something",
                Some(false) => "nothing",
                None => "who knows what",
            };
            format!("{enrolled} enrolled, the route says `{}`", self.policy.unenrolled.as_str())
        });
        match tracked.decision(&self.policy, &case.question.actor) {
            // A decision without a request whose attempt was proved or reviewed before, and what was known of that has run
            // out, was used up or was revoked.
            Decision::Pass(Passed::Settled) if self.particulars.asker.is_some() => {
                Err(RefusalReason::Unproven(Unproven::Expired).into())
            }
            Decision::Pass(passed) => Ok(Way::new(body, case.passed(passed, tracked.state, attempt))),
            Decision::Refuse(refused) => {
                match &refused {
                    Refused::State(_) => ledger.refused(account, now()),
                    Refused::MethodsNotOffered => tracked.warn_of_methods(&self.action, &self.policy),
                    Refused::NoPerson => case.warn_of_no_person(),
                    Refused::Unenrolled | Refused::Insufficient(_) => {}
                }
                Err(reason_of(refused).into())
            }
            Decision::Challenge(proving) => {
                if !is_foreign
                    && proving == Proving::Challenge
                    && let Some((opening, proof)) = Box::pin(case.signed_in(known.as_ref())).await?
                {
                    return Ok(Way::new(body, case.verified(&proof, &opening)));
                }
                trail.at("budgets");
                if let Some(over) = ledger.began(account, &attempt, now()) {
                    trail.found(|| format!("over `{}`", over.0.as_str()));
                    return Err(Stop::Over(over));
                }
                if is_foreign {
                    trail.at("origin");
                    trail.found(|| "a page of another origin sends it".to_owned());
                    case.warn_of_foreign(parts);
                    return Err(RefusalReason::CrossSite.into());
                }
                if let (_, Name::Unknown(host)) = self.authsignal.place_of(parts) {
                    self.authsignal.warn_of_host(host);
                }
                let challenged = Challenged { known, ticket, attempt, tracked, proving, insufficient };
                Box::pin(self.challenge(case, parts, body, challenged)).await
            }
        }
    }

    /// What is told of a request of this route's, wherever it ends.
    pub(super) fn ended<'a>(&'a self, parts: &'a Parts, outcome: Outcome) -> Ended<'a> {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        Ended { route, ..Ended::new(outcome, Some(&self.action), None) }
    }

    /// The case of a request, and its verdict if an outer layer has answered it.
    fn case<'a>(
        &'a self,
        parts: &Parts,
        asked: Asked<'a>,
        (run, attempt, ticket): (RequestId, &IdempotencyKey, Ticket),
        trail: &'a Trail,
        overlooked: &mut Overlooked,
    ) -> Result<(Case<'a>, Option<Verdict>), RefusalReason> {
        let Asked { place, address, user, read } = asked;
        let outer = parts.extensions.get::<Verdict>();
        let outer = outer.and_then(|outer| Some((outer, outer.goes_on(self.id)?)));
        let (outer, run) = outer.map_or_else(|| (None, Run::new(run, self.id)), |(outer, run)| (Some(outer), run));
        let is_bearer = user.is_bearer;
        let question = self.question(parts, user, address, place, (attempt, ticket), (read.as_ref(), overlooked))?;
        trail.user(&question.account, &question.actor);
        let before = self.particulars.earlier.iter();
        if outer.is_some() || before.len() > 0 {
            trail.at("outer layer");
        }
        let answered = outer.into_iter().chain(before).find_map(|before| before.answers(&question, &run));
        let summary = read.map(|read| read.summary).unwrap_or_default();
        Ok((Case { guard: self, place, is_bearer, question, run, trail, summary }, answered))
    }

    /// Answers with a challenge, unless a twin of the request was approved meanwhile.
    async fn challenge<B: ReplayBody>(
        &self,
        case: Case<'_>,
        parts: &Parts,
        body: Reading<B>,
        challenged: Challenged,
    ) -> Result<Way<B>, Stop> {
        let body = case.read_for_challenge(parts, body).await?;
        let (verdict, spending) = case.open(parts, body.whole().cloned(), challenged).await?;
        Ok(Way { spending, ..Way::new(body, verdict) })
    }
}
