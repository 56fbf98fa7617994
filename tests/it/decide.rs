//! Decisions without a request: a job whose user approves on the phone, refuses, or never answers, in fair weather and foul.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use axum::http::HeaderMap;
use axum_authsignal::client::{ActionState, CustomData};
use axum_authsignal::{
    ActionCode, Authsignal, AuthsignalBuilder, AuthsignalLayer, Clock, Decision, Grounds, InvalidDecisionId, NoPerson,
    OnOutage, Outage, PendingDecision, RefusalReason, Unenrolled, Unproven, User, Waited,
};
use bytes::Bytes;
use tower::Service as _;

use crate::support::{CALLBACK, MINUTE, clock};

mod reviewed;
mod settings;
mod ws;

struct Office {
    emulator: Emulator,
    clock: Clock,
    authsignal: Authsignal,
}

/// An application that shares `store` with others like it.
fn handle(
    emulator: &Emulator,
    clock: &Clock,
    change: impl FnOnce(AuthsignalBuilder) -> AuthsignalBuilder,
) -> Authsignal {
    let builder = Authsignal::builder(emulator.client())
        .callback_url(CALLBACK)
        .clock(clock.clone())
        .without_circuit_breaker()
        .identify(|_: HeaderMap| async { None::<User> });
    change(builder).build().unwrap()
}

fn office() -> Office {
    office_with(|builder| builder)
}

fn office_with(change: impl FnOnce(AuthsignalBuilder) -> AuthsignalBuilder) -> Office {
    let clock = clock();
    let emulator = Emulator::builder().clock(clock.clone()).in_process().unwrap();
    emulator.user("ada").enroll_push("Ada's phone").enroll_email_otp("ada@example.com");
    let authsignal = handle(&emulator, &clock, change);
    Office { emulator, clock, authsignal }
}

fn amount(amount: u64) -> CustomData {
    CustomData::new().with("amount", amount)
}

#[track_caller]
fn pending(decision: Decision) -> PendingDecision {
    match decision {
        Decision::Pending(pending) => pending,
        other => panic!("{other:?}"),
    }
}

impl Office {
    /// The payout of a job.
    async fn payout(&self, job: &str, sum: u64) -> Decision {
        self.authsignal.decide(User::new("ada"), "payout").idempotency_key(job).data(amount(sum)).await
    }

    /// Has the phone ring, as the mobile SDK does with the token; gives the id of what it shows.
    async fn ring(&self, pending: &PendingDecision) -> String {
        let request = http::Request::post(format!("{}/client/challenge/push", self.emulator.base_url()))
            .header("authorization", format!("Bearer {}", pending.token().unwrap().secret()))
            .header("content-type", "application/json")
            .body(Bytes::from("{}"))
            .unwrap();
        let mut transport = self.emulator.transport();
        let answer = transport.call(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        self.emulator.pending_challenges()[0].id.clone()
    }

    fn tracks(&self) -> usize {
        self.emulator.calls(Endpoint::Track)
    }

    fn looks(&self) -> usize {
        self.emulator.calls(Endpoint::GetAction)
    }
}

/// T59: nothing passes before the user has approved on the phone; then it does, with what was approved.
#[tokio::test(start_paused = true)]
async fn t59_a_job_waits_for_a_phone_that_approves() {
    let office = office();
    let pending = pending(office.payout("job-7", 10_000).await);
    assert!(pending.url().unwrap().starts_with(office.emulator.origin()));
    let recorded = &office.emulator.actions("ada")[0];
    assert!(recorded.idempotency_key.as_str().starts_with("job-7."), "{recorded:?}");
    let ringing = office.ring(&pending).await;
    let waiting = tokio::spawn({
        let pending = pending.clone();
        async move { pending.wait(Duration::from_secs(300)).await }
    });
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(!waiting.is_finished());
    let looks = office.looks();
    assert!((5..=8).contains(&looks), "{looks} calls in 40 seconds");
    office.emulator.approve(&ringing, None).await.unwrap();
    let Waited::Verified(verdict) = waiting.await.unwrap() else { panic!("not verified") };
    assert_eq!((verdict.user_id().as_str(), verdict.action().as_str()), ("ada", "payout"));
    assert!(matches!(verdict.grounds(), Grounds::Verified { method: Some(method), .. } if method.as_str() == "PUSH"));
    assert_eq!(verdict.idempotency_key(), pending.idempotency_key());
    assert_eq!(office.tracks(), 1);
    println!("approved on the phone after 40 seconds, {looks} calls until then");
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_declines_ends_the_wait() {
    let office = office();
    let pending = pending(office.payout("job-7", 10_000).await);
    let ringing = office.ring(&pending).await;
    office.emulator.decline_challenge(&ringing).unwrap();
    let Waited::Refused(refusal) = pending.wait(MINUTE).await else { panic!("not refused") };
    assert!(matches!(refusal.reason(), RefusalReason::State(state) if state.as_str() == "CHALLENGE_FAILED"));
    // And so it stays.
    assert!(matches!(pending.wait(MINUTE).await, Waited::Refused(_)));
    assert!(matches!(office.payout("job-7", 10_000).await, Decision::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_is_never_answered_runs_out() {
    let office = office();
    let pending = pending(office.payout("job-7", 10_000).await);
    let before = tokio::time::Instant::now();
    assert!(matches!(pending.wait(MINUTE).await, Waited::Pending));
    assert_eq!(before.elapsed(), MINUTE, "no longer than asked for");
    office.clock.advance(MINUTE * 11);
    assert!(matches!(pending.wait(MINUTE).await, Waited::Expired));
    // What is proved too late proves nothing.
    let key = pending.idempotency_key();
    office.emulator.set_state("ada", "payout", key, ActionState::ChallengeSucceeded).unwrap();
    assert!(matches!(pending.check().await, Waited::Expired));
    let Decision::Refused(refusal) = office.payout("job-7", 10_000).await else { panic!("passed") };
    assert_eq!(refusal.reason(), &RefusalReason::Unproven(Unproven::Expired));
}

/// An outage in the middle is waited through, with a proof that was given meanwhile; and one at the end is told.
#[tokio::test(start_paused = true)]
async fn an_outage_in_the_middle_loses_nothing() {
    let office = office();
    let pending = pending(office.payout("job-7", 10_000).await);
    let out = || office.emulator.inject_fault(Endpoint::GetAction, Fault::status(503).times(9_999));
    out();
    let Waited::Unavailable(refusal) = pending.wait(MINUTE).await else { panic!("somebody answered") };
    assert_eq!(refusal.reason(), &RefusalReason::Outage(Outage::Server));
    let waiting = tokio::spawn({
        let pending = pending.clone();
        async move { pending.wait(MINUTE * 5).await }
    });
    tokio::time::sleep(MINUTE).await;
    office.emulator.succeed(pending.url().unwrap()).unwrap();
    tokio::time::sleep(MINUTE).await;
    assert!(!waiting.is_finished());
    office.emulator.clear_faults();
    assert!(matches!(waiting.await.unwrap(), Waited::Verified(_)));
}

/// Closed by default, open where the layer says so; and over a budget nobody is asked.
#[tokio::test(start_paused = true)]
async fn an_outage_before_the_decision_passes_nothing() {
    let office = office_with(|builder| builder.challenge_budget(2, MINUTE));
    office.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(9_999));
    let Decision::Unavailable(refusal) = office.payout("job-7", 10).await else { panic!("decided") };
    assert_eq!(refusal.reason(), &RefusalReason::Outage(Outage::Server));
    let layer = AuthsignalLayer::new(&office.authsignal, "payout").on_outage(OnOutage::Admit);
    assert!(matches!(layer.decide(User::new("ada")).await, Decision::Passed(verdict) if verdict.is_failover()));
    office.emulator.clear_faults();
    for job in ["a", "b"] {
        pending(office.payout(job, 10).await);
    }
    let Decision::Unavailable(refusal) = office.payout("c", 10).await else { panic!("decided") };
    assert!(matches!(refusal.reason(), RefusalReason::OverBudget(_)) && refusal.retry_after().is_some());
}

/// T59: each outcome by itself, with the policies of a layer.
#[tokio::test(start_paused = true)]
async fn t59_what_has_no_request_is_decided_by_the_same_rules() {
    let office = office();
    let decide = |user: &str, action: &str| office.authsignal.decide(User::new(user), action);
    office.emulator.set_outcome("payout", Outcome::Allow);
    let Decision::Passed(verdict) = decide("ada", "payout").await else { panic!("not passed") };
    assert_eq!(verdict.grounds(), &Grounds::Allowed);
    assert!(
        matches!(decide("cyd", "payout").await, Decision::Passed(verdict) if *verdict.grounds() == Grounds::Unenrolled)
    );
    let strict = AuthsignalLayer::new(&office.authsignal, "payout").unenrolled(Unenrolled::Deny);
    let Decision::Refused(refusal) = strict.decide(User::new("cyd")).await else { panic!("passed") };
    assert_eq!(refusal.reason(), &RefusalReason::NotEnrolled);
    for outcome in [Outcome::Block, Outcome::Review] {
        office.emulator.set_outcome("payout", outcome);
        let Decision::Refused(refusal) = decide("ada", "payout").await else { panic!("passed") };
        assert!(matches!(refusal.reason(), RefusalReason::State(_)), "{refusal:?}");
        assert_eq!(refusal.action(), Some(&ActionCode::new("payout").unwrap()));
    }
    for (user, action) in [("ada", "no action"), ("", "payout"), (".", "payout")] {
        assert!(matches!(decide(user, action).await, Decision::Refused(_)), "{user:?} {action:?}");
    }
    let Decision::Refused(_) = decide("ada", "payout").data(CustomData::new().with("n", f64::NAN)).await else {
        panic!("passed")
    };
}

/// A job that is run twice is one action; another job, another sum, another user, action or session is another.
#[tokio::test(start_paused = true)]
async fn t27_a_job_that_is_run_twice_is_one_action() {
    let office = office_with(|builder| builder.challenge_budget(100, MINUTE));
    let first = pending(office.payout("job-7", 10).await);
    let again = pending(office.payout("job-7", 10).await);
    assert_eq!((first.idempotency_key(), first.url()), (again.idempotency_key(), again.url()));
    assert_eq!((office.tracks(), office.emulator.actions("ada").len()), (1, 1));
    office.emulator.succeed(first.url().unwrap()).unwrap();
    for _ in 0..2 {
        assert!(matches!(office.payout("job-7", 10).await, Decision::Passed(verdict) if verdict.is_verified()));
    }
    assert_eq!(office.tracks(), 1);
    let decide = |user: User, action: &str| office.authsignal.decide(user, action).idempotency_key("job-7");
    office.emulator.user("bob").enroll_email_otp("bob@example.com");
    let others = [
        office.payout("job-8", 10).await,
        office.payout("job-7", 10_000).await,
        decide(User::new("bob"), "payout").data(amount(10)).await,
        decide(User::new("ada").session("s"), "payout").data(amount(10)).await,
        decide(User::new("ada"), "refund").data(amount(10)).await,
        office.authsignal.decide(User::new("ada"), "payout").data(amount(10)).await,
        office.authsignal.decide(User::new("ada"), "payout").data(amount(10)).await,
    ];
    let mut keys: Vec<_> = others.into_iter().map(|other| pending(other).idempotency_key().to_string()).collect();
    keys.push(first.idempotency_key().to_string());
    keys.sort();
    keys.dedup();
    println!("{} attempts, none taken for another", keys.len());
    assert_eq!(keys.len(), 8);
    // Names of any length and kind are names.
    for name in ["", "\n", "..", &"x".repeat(500)] {
        let [one, other] = [pending(office.payout(name, 10).await), pending(office.payout(name, 10).await)];
        assert_eq!(one.idempotency_key(), other.idempotency_key());
    }
}

/// Dropped, restarted, and waited for at another node: the text that was stored finds it.
#[tokio::test(start_paused = true)]
async fn a_decision_is_resumed_after_a_restart() {
    let store = axum_authsignal::store::MemoryStore::new();
    let office = office_with(|builder| builder.store(store.clone()));
    let begun = pending(office.payout("job-7", 10).await);
    let id = begun.id();
    assert!(!id.contains("ada") && id != begun.id());
    let url = begun.url().unwrap().to_owned();
    drop(begun);
    let node = handle(&office.emulator, &office.clock, |builder| builder.store(store.clone()));
    let resumed = node.resume_decision(&id).unwrap();
    assert_eq!(resumed.url(), None);
    // Waiting is dropped half way, more than once.
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(1_500), resumed.wait(MINUTE)).await.is_err());
    }
    office.emulator.succeed(&url).unwrap();
    assert!(matches!(resumed.wait(MINUTE).await, Waited::Verified(_)));
    // Again, until the approval has run out.
    office.clock.advance(MINUTE * 4);
    assert!(matches!(node.resume_decision(&id).unwrap().check().await, Waited::Verified(_)));
    office.clock.advance(MINUTE * 2);
    assert!(matches!(node.resume_decision(&id).unwrap().check().await, Waited::Expired));
}

/// T44: an id that was changed, or made under other secrets, is none.
#[tokio::test(start_paused = true)]
async fn t44_an_id_of_a_decision_cannot_be_made_up() {
    let office = office();
    let id = pending(office.payout("job-7", 10).await).id();
    let mut tried = 0;
    for at in 0..id.len() {
        for with in ["A", "B", ""] {
            let mut changed = id.clone();
            changed.replace_range(at..=at, with);
            // The last character holds bits that count for nothing.
            if changed != id {
                assert_eq!(office.authsignal.resume_decision(&changed).err(), Some(InvalidDecisionId), "{at}");
                tried += 1;
            }
        }
    }
    println!("{tried} changed ids: none is one");
    for id in ["", "AAAA", "job-7", &"A".repeat(10_000)] {
        assert!(office.authsignal.resume_decision(id).is_err());
    }
    let other = office_with(|builder| builder.secret("another secret, long enough to be one"));
    assert!(other.authsignal.resume_decision(&id).is_err());
}

/// T29: what is revoked while it waits, or after, passes nothing, whoever asks again.
#[tokio::test(start_paused = true)]
async fn t29_a_revocation_ends_decisions_that_wait() {
    let office = office();
    for is_proved_first in [false, true] {
        let job = format!("job-{is_proved_first}");
        let pending = pending(office.payout(&job, 10).await);
        let prove = || office.emulator.succeed(pending.url().unwrap()).unwrap();
        if is_proved_first {
            prove();
            assert!(matches!(pending.check().await, Waited::Verified(_)));
        }
        office.authsignal.revoke("ada").await.unwrap();
        if !is_proved_first {
            prove();
        }
        assert!(matches!(pending.check().await, Waited::Expired));
        assert!(matches!(office.payout(&job, 10).await, Decision::Refused(_)));
    }
}

/// T59: a hundred jobs of one action wait at once, and each is done when its own is approved.
#[tokio::test(start_paused = true)]
async fn t59_many_jobs_wait_each_for_its_own() {
    let office = office_with(|builder| builder.challenge_budget(1_000, MINUTE).pending_flow_budget(1_000, 1 << 24));
    let done = Arc::new(AtomicUsize::new(0));
    let mut jobs = Vec::new();
    for job in 0..100 {
        let pending = pending(office.payout(&format!("job-{job}"), job).await);
        let (url, done) = (pending.url().unwrap().to_owned(), Arc::clone(&done));
        let waiting = tokio::spawn(async move {
            let waited = pending.wait(MINUTE).await;
            let is_done = matches!(waited, Waited::Verified(_));
            done.fetch_add(usize::from(is_done), Ordering::SeqCst);
            is_done
        });
        jobs.push((job, url, waiting));
    }
    for (job, url, _) in &jobs {
        if job % 3 == 0 {
            office.emulator.succeed(url).unwrap();
        }
    }
    for (job, _, waiting) in jobs {
        assert_eq!(waiting.await.unwrap(), job % 3 == 0, "{job}");
    }
    println!("100 jobs, {} approved and done", done.load(Ordering::SeqCst));
    assert_eq!(done.load(Ordering::SeqCst), 34);
}

/// A job that no person is behind is refused, and one of somebody who acts as the user is theirs to prove.
#[tokio::test(start_paused = true)]
async fn t59_whoever_is_behind_a_job_is_asked() {
    let office = office();
    let layer = AuthsignalLayer::new(&office.authsignal, "payout").impersonation(NoPerson::AskPerson);
    let Decision::Refused(_) = layer.decide(User::new("ada").machine()).await else { panic!("passed") };
    assert_eq!(office.tracks(), 0);
    office.emulator.user("grace").enroll_email_otp("grace@example.com");
    let decide = || layer.decide(User::new("ada").impersonated_by("grace")).idempotency_key("job-7");
    let pending = pending(decide().await);
    assert_eq!((office.emulator.actions("grace").len(), office.emulator.actions("ada").len()), (1, 0));
    office.emulator.succeed(pending.url().unwrap()).unwrap();
    let Waited::Verified(verdict) = office.authsignal.resume_decision(&pending.id()).unwrap().wait(MINUTE).await else {
        panic!("not verified")
    };
    assert_eq!((verdict.user_id().as_str(), verdict.actor().impersonator().unwrap().as_str()), ("ada", "grace"));
    assert!(matches!(decide().await, Decision::Passed(_)));
}

/// A job that is held for a review waits for whoever looks at it.
#[tokio::test(start_paused = true)]
async fn a_job_waits_for_a_review() {
    let office = office();
    office.emulator.set_outcome("payout", Outcome::Review);
    let layer = AuthsignalLayer::new(&office.authsignal, "payout").review(MINUTE * 60);
    let decide = |job: &'static str| layer.decide(User::new("ada")).idempotency_key(job);
    let [looked_at, refused] = [pending(decide("a").await), pending(decide("b").await)];
    assert_eq!((looked_at.url(), looked_at.expires_at()), (None, office.clock.now() + MINUTE * 60));
    let set = |pending: &PendingDecision, state| {
        office.emulator.set_state("ada", "payout", pending.idempotency_key(), state).unwrap();
    };
    assert!(matches!(pending(decide("a").await).wait(MINUTE).await, Waited::Pending));
    assert_eq!(office.tracks(), 2);
    set(&looked_at, ActionState::ReviewSucceeded);
    set(&refused, ActionState::ReviewFailed);
    office.clock.advance(MINUTE * 30);
    let id = looked_at.id();
    let Waited::Verified(verdict) = office.authsignal.resume_decision(&id).unwrap().wait(MINUTE).await else {
        panic!("not passed")
    };
    assert_eq!(verdict.grounds(), &Grounds::Settled(ActionState::ReviewSucceeded));
    assert!(matches!(refused.wait(MINUTE).await, Waited::Refused(_)));
    assert!(matches!(decide("a").await, Decision::Passed(_)));
    assert!(matches!(decide("b").await, Decision::Refused(_)));
    // Without the setting it is refused.
    let Decision::Refused(_) = office.payout("c", 1).await else { panic!("passed") };
}
