//! The request that is being decided: what Authsignal is asked and told about it, and the verdict that it gets.
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;

use authsignal_client::{ActionState, ChallengeUrl, IdempotencyKey};
use bytes::Bytes;
use http::request::Parts;

use super::body::{Reading, ReplayBody};
use super::guard::{Guard, Whose};
use super::stop::Stop;
use super::tracked::Tracked;
use crate::authsignal::Inner;
use crate::budget::{AccountId, Asker, Budget, Over};
use crate::decided::trail::Trail;
use crate::domain::actor::{Actor, NoPerson};
use crate::domain::challenge_url::TrustedChallengeUrl;
use crate::domain::coverage::Coverage;
use crate::domain::decision::{Passed, Proving};
use crate::domain::extent::SkipReason;
use crate::domain::flow::{Challenge, Flow, Opening, Proof, Stage, Unproven};
use crate::domain::form::is_secret;
use crate::domain::place::Place;
use crate::domain::proof_policy::{ProofPolicy, Shortfall};
use crate::domain::saved_request::SavedRequest;
use crate::domain::ticket::Ticket;
use crate::meter;
use crate::outage::Outage;
use crate::refusal::RefusalReason;
use crate::request::caller::{SEC_FETCH_MODE, SEC_FETCH_SITE};
use crate::request::cookie::{BrowserId, Known};
use crate::response::answer::ChallengeAnswer;
use crate::response::language::Words;
use crate::response::language::text::Text;
use crate::store;
use crate::store::flows::{BindingHash, Holder, Opened, Spending};
use crate::transaction::SummaryValue;
use crate::upstream::Unanswered;
use crate::verdict::question::{Question, Run};
use crate::verdict::{self, Grounds, Verdict};

/// The request that is being decided.
pub(super) struct Case<'a> {
    pub(super) guard: &'a Guard,
    /// Where the application is, for whoever sent it.
    pub(super) place: &'a Place,
    /// Whether its client has no cookie.
    pub(super) is_bearer: bool,
    pub(super) question: Question,
    /// What the user is shown of its value.
    pub(super) summary: Vec<(String, SummaryValue)>,
    pub(super) run: Run,
    /// What is noted of it, for all who listen.
    pub(super) trail: &'a Trail,
}

/// What is known of a request that has to be proved: its browser, its flow's name, and what Authsignal answered.
pub(super) struct Challenged {
    pub(super) known: Option<Known>,
    pub(super) ticket: Ticket,
    pub(super) attempt: IdempotencyKey,
    pub(super) tracked: Tracked,
    pub(super) proving: Proving,
    /// What an earlier proof for the same thing lacks.
    pub(super) insufficient: Option<Shortfall>,
}

impl Case<'_> {
    pub(super) fn authsignal(&self) -> &Inner {
        &self.guard.authsignal
    }

    /// What a flow for this request is found by; `None` while a body that belongs to it has not been read, or is too
    /// long to be.
    pub(super) fn binding(&self, parts: &Parts, body: Option<&Bytes>) -> Option<BindingHash> {
        let question = &self.question;
        self.guard.binding(self.place, Whose::of(question), &question.address, parts, body)
    }

    /// What an approval is found by that a route which asks less of proofs may have left for this request.
    pub(super) fn laxer_binding(&self, parts: &Parts, body: Option<&Bytes>) -> Option<BindingHash> {
        let question = &self.question;
        self.guard.laxer_binding(self.place, Whose::of(question), &question.address, parts, body)
    }

    /// Whose budgets this request takes from. What a page of another site makes a browser ask for has budgets of its own.
    pub(super) fn account(&self, parts: &Parts) -> AccountId {
        let Question { user, session, action, .. } = &self.question;
        let asker = Asker { user: user.as_str(), session: session.as_deref(), action };
        self.authsignal().ledger.account(asker, is_from_elsewhere(parts))
    }

    /// Whether Authsignal stopped this user at this action a while ago, whatever page the request says that it comes from: what
    /// tells those apart is a header that any program can write.
    pub(super) fn is_unsettled(&self) -> bool {
        let Question { user, session, action, .. } = &self.question;
        let asker = Asker { user: user.as_str(), session: session.as_deref(), action };
        let (ledger, now) = (&self.authsignal().ledger, self.authsignal().flows.now());
        [false, true].into_iter().any(|is_foreign| ledger.is_unsettled(ledger.account(asker, is_foreign), now))
    }

    /// Whether so much of this user and session waits for its proof that no more has room.
    pub(super) async fn waits_for_room(&self, parts: &Parts) -> Result<Option<Over>, store::Error> {
        let flows = &self.authsignal().flows;
        let Question { user, session, .. } = &self.question;
        let wait = flows.waits_for_room(user.as_str(), session.as_deref(), is_from_elsewhere(parts)).await?;
        Ok(wait.map(|wait| (Budget::PendingFlows, wait)))
    }

    /// What the application's own proof of a request is for: this user, session, action and request, whatever an approval
    /// would cover.
    pub(super) fn request_binding(&self, parts: &Parts, body: &Bytes) -> BindingHash {
        let question = &self.question;
        self.guard.binding_of(
            self.place,
            Whose::of(question),
            &question.address,
            parts,
            (Coverage::Request, None, &ProofPolicy::default(), body),
        )
    }

    /// Asks Authsignal.
    pub(super) async fn track(&self) -> Result<Tracked, Unanswered> {
        Tracked::ask(self.authsignal(), &self.question).await
    }

    /// Reads the body of a request that has to be challenged, where the approval covers it or a form is to be kept.
    pub(super) async fn read_for_challenge<B: ReplayBody>(
        &self,
        parts: &Parts,
        body: Reading<B>,
    ) -> Result<Reading<B>, Stop> {
        let covered = self.guard.policy.coverage.reads_body();
        let kept = self.sends_a_form(parts);
        if !covered && !kept {
            return Ok(body);
        }
        let body = body.read(self.authsignal().body_limit).await?;
        if covered && body.whole().is_none() { Err(RefusalReason::BodyTooLarge.into()) } else { Ok(body) }
    }

    /// Writes the flow of a challenge, then answers with it. A request whose twin was approved meanwhile passes.
    pub(super) async fn open(
        self,
        parts: &Parts,
        body: Option<Bytes>,
        challenged: Challenged,
    ) -> Result<(Verdict, Option<Spending>), Stop> {
        let authsignal = self.authsignal();
        let flows = &authsignal.flows;
        let Challenged { known, ticket, attempt, tracked, proving, insufficient } = challenged;
        let challenge = match proving {
            Proving::Review => None,
            Proving::Challenge | Proving::Enrol => {
                let url = self.trusted(tracked.url.as_ref())?;
                let url = if proving == Proving::Enrol { url.force_enrollment() } else { url };
                Some(Challenge { url: url.into(), token: tracked.token, state: tracked.state })
            }
        };
        let binding = self.binding(parts, body.as_ref()).ok_or(RefusalReason::BodyTooLarge)?;
        let saved = self.saved_request(parts, body.as_ref());
        let words = authsignal.answers.words(parts);
        let opening = Opening {
            attempt: attempt.clone(),
            user: self.question.user.clone(),
            on_behalf_of: self.question.actor.impersonator().map(|_| self.question.account.clone()),
            is_machine: self.question.actor == Actor::Machine,
            session: self.question.session.clone(),
            action: self.guard.action.clone(),
            name: self.guard.name(words.tag()).map(str::to_owned),
            summary: shown(&self.summary, &words),
            // What is remembered is a browser's, and its user's own: a client without a cookie shows a token each time.
            remember: self.guard.policy.remember.filter(|_| !self.is_bearer && self.question.actor.is_person()),
            proof: self.guard.policy.proof.clone(),
            is_review: challenge.is_none(),
        };
        let revoked = flows.revoked(opening.user.as_str(), opening.session.as_deref()).await?;
        let (now, review) = (flows.now(), self.guard.policy.review.unwrap_or_default());
        let flow = match challenge {
            Some(challenge) => Flow::new(opening, challenge, saved.clone(), Stage::pending(now, flows.challenge_ttl)),
            None => Flow::under_review(opening, saved.clone(), Stage::under_review(now, review)),
        }
        .after(revoked);
        if !self.is_bearer {
            authsignal.warn_of_missing_callback();
        }
        let (holder, new_browser) = match known {
            _ if self.is_bearer => (Holder::Bearer, None),
            Some(Known { id, was_challenged: true }) => (Holder::Browser(id), None),
            known => {
                self.warn_of_first_call(parts, known.as_ref());
                let browser = known.map_or_else(BrowserId::random, |known| known.id);
                (Holder::Browser(browser.clone()), Some(browser))
            }
        };
        let ticket = match &holder {
            Holder::Browser(browser) if flow.opening.is_review => flows.review_ticket(browser, &binding, &attempt),
            _ => ticket,
        };
        if let Some(wait) = flows.take_room(&flow, is_from_elsewhere(parts)).await? {
            return Err(Stop::Over((Budget::PendingFlows, wait)));
        }
        let written = match &holder {
            Holder::Browser(browser) => flows.write_ticket(browser, ticket, &binding, &flow).await,
            Holder::Bearer => Ok(()),
        };
        let opened = match written {
            Ok(()) => flows.open(&holder, &binding, self.run.id, flow).await,
            Err(error) => Err(error),
        };
        let is_written = match &opened {
            Ok(opened) => matches!(opened, Opened::New(_)),
            Err(error) => error.kind() == store::ErrorKind::Unavailable,
        };
        if !is_written {
            let Question { user, session, .. } = &self.question;
            flows.give_room_back(user.as_str(), session.as_deref(), &attempt).await;
        }
        match opened? {
            Opened::New(flow) => {
                meter::flow("begun");
                Err(self.wait_for(flow, ticket, new_browser, insufficient))
            }
            Opened::Joined(flow) => {
                authsignal.gives_room_back(&flow.opening, &attempt);
                self.save_request(&holder, &binding, &flow, saved).await?;
                Err(self.wait_for(flow, ticket, new_browser, insufficient))
            }
            Opened::Pass(proof, flow, spending) => Ok((self.verified(&proof, &flow.opening), spending)),
        }
    }

    /// The challenge's address, if users may be sent there; else the log says why not.
    fn trusted(&self, url: Option<&ChallengeUrl>) -> Result<TrustedChallengeUrl, Stop> {
        self.trail.at("challenge URL");
        let hosts = &self.authsignal().challenge_hosts;
        let url = url.map(ChallengeUrl::secret);
        url.and_then(|url| hosts.check(url)).ok_or_else(|| {
            let why = hosts.why_refused(url);
            self.trail.found(|| why.to_string());
            tracing::error!(action = %self.guard.action, "no challenge URL that users may be sent to: {why}");
            RefusalReason::UntrustedChallenge.into()
        })
    }

    /// What a flow waits for: its user's proof, or somebody's look.
    fn wait_for(
        &self,
        flow: Flow,
        ticket: Ticket,
        new_browser: Option<BrowserId>,
        insufficient: Option<Shortfall>,
    ) -> Stop {
        if flow.opening.is_review {
            return self.under_review(flow, ticket, new_browser);
        }
        self.challenge(&flow, new_browser, insufficient)
    }

    /// The answer to a request that somebody has to look at.
    pub(super) fn under_review(&self, flow: Flow, ticket: Ticket, new_browser: Option<BrowserId>) -> Stop {
        let page = (!self.is_bearer).then(|| self.place.callback_path_for(ticket));
        Stop::UnderReview { flow: Box::new(flow), page, new_browser }
    }

    pub(super) fn challenge(
        &self,
        flow: &Flow,
        new_browser: Option<BrowserId>,
        insufficient: Option<Shortfall>,
    ) -> Stop {
        // What waits has one.
        let Some(challenge) = &flow.challenge else { return RefusalReason::UntrustedChallenge.into() };
        let url = match self.trusted(Some(&challenge.url)) {
            Ok(url) => url,
            Err(stop) => return stop,
        };
        let answer = ChallengeAnswer {
            action: flow.opening.action.clone(),
            state: challenge.state.clone(),
            url,
            token: challenge.token.clone(),
            attempt: flow.opening.attempt.clone(),
            expires: flow.stage.until,
            callback_origin: self.place.origin(),
            methods: flow.opening.proof.methods().to_vec(),
            insufficient: insufficient.map(Unproven::from),
            page: match &flow.saved {
                SavedRequest::Page(page) => Some(page.clone()),
                _ => None,
            },
        };
        Stop::Challenge { answer: Box::new(answer), new_browser }
    }

    pub(super) fn passed(self, passed: Passed, state: ActionState, attempt: IdempotencyKey) -> Verdict {
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

    pub(super) fn verified(self, proof: &Proof, opening: &Opening) -> Verdict {
        let grounds = if opening.is_review {
            Grounds::Settled(ActionState::ReviewSucceeded)
        } else {
            Grounds::Verified { method: proof.method.clone(), at: proof.at.to_system_time() }
        };
        self.verdict(grounds, opening.attempt.clone())
    }

    /// It passes undecided. Whoever reads the log, or counts what is in it, finds each such request (complaint C9).
    pub(super) fn failed_over(self, outage: Outage, is_proven: bool, attempt: IdempotencyKey) -> Verdict {
        meter::failover(if is_proven { "fallback" } else { "admitted" }, outage.as_str());
        tracing::warn!(
            action = %self.guard.action,
            outage = outage.as_str(),
            failover = if is_proven { "fallback" } else { "admitted" },
            "request passed without a decision of Authsignal's, as its route says"
        );
        self.verdict(Grounds::Failover { outage, is_proven }, attempt)
    }

    /// It passes without having been asked about.
    pub(super) fn skipped(self, reason: SkipReason, attempt: IdempotencyKey) -> Verdict {
        self.verdict(Grounds::Skipped { reason }, attempt)
    }

    /// It passes before it is decided.
    pub(super) fn observed(self, attempt: IdempotencyKey) -> Verdict {
        self.verdict(Grounds::Observed, attempt)
    }

    fn verdict(self, grounds: Grounds, attempt: IdempotencyKey) -> Verdict {
        let Self { question, run, .. } = self;
        Verdict::new(verdict::Inner { attempt, grounds, question, run, is_taken: AtomicBool::new(false) })
    }

    /// Once per handle: of several calls that a page makes at once in a browser without an id, one proof alone ends well.
    fn warn_of_first_call(&self, parts: &Parts, known: Option<&Known>) {
        let is_script = parts.headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate");
        if known.is_none() && is_script && self.authsignal().mistakes.warned_of_first_call.is_first() {
            tracing::warn!(
                action = %self.guard.action,
                "a page's call was challenged in a browser that has no id yet, and of several such calls at once one proof \
                 alone ends well: put `Authsignal::browser_layer` around the pages that make them"
            );
        }
    }

    /// Authsignal decided otherwise than the route takes it where no person is behind a request.
    pub(super) fn warn_of_no_person(&self) {
        let actor = &self.question.actor;
        let (setter, mends) = match self.guard.policy.no_person(actor) {
            Some(NoPerson::AskPerson) => (
                "NoPerson::AskPerson",
                "Authsignal allowed it without a proof: let a rule ask for a challenge where `stepUpActor` says who it is",
            ),
            _ => ("NoPerson::AllowedOnly", "Authsignal asked for a proof, and nobody is there to give one"),
        };
        tracing::warn!(action = %self.guard.action, %actor, setter, "{mends}");
    }

    /// Once per action: every such request passes without a proof, which nobody may notice otherwise (complaint C9).
    pub(super) fn warn_of_unenrolled(&self) {
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

/// What is shown of a value, in the words of whoever is shown it. What says that it is a secret is not (threat T48).
fn shown(summary: &[(String, SummaryValue)], words: &Words) -> Vec<(String, String)> {
    let text = |value: &SummaryValue| match value {
        SummaryValue::Text(text) => text.clone(),
        SummaryValue::Flag(true) => words.say(Text::Yes).into_owned(),
        SummaryValue::Flag(false) => words.say(Text::No).into_owned(),
    };
    summary.iter().filter(|(label, _)| !is_secret(label)).map(|(label, value)| (label.clone(), text(value))).collect()
}

/// Whether a page of another site made the browser ask.
fn is_from_elsewhere(parts: &Parts) -> bool {
    let site = parts.headers.get(SEC_FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}
