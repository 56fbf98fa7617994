//! A handler that asks only once it knows for how much: small payments pass, larger ones are proved, for this amount and no other.
//!
//! Copy `step_up_layer`, which keeps the request for the handler, and where `require` stands: before anything is changed, since the
//! handler runs again from its beginning after the proof. `pay_out` is the same for what has no request: a job of a queue. The
//! sessions are tower-sessions', as in `with_tower_sessions`.
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Json, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::client::CustomData;
use axum_authsignal::{Authsignal, AuthsignalBuilder, ConfigError, Decision, StepUp, StepUpResponse, User, Waited};
use serde_json::{Value, json};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank, Payment};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

/// How long a job waits for its user.
const PATIENCE: Duration = Duration::from_secs(300);

/// The largest payment that nobody is asked about.
const SMALL: u32 = 5;

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    let paying = Router::new().route("/pay", post(pay)).route("/api/pay", post(pay_by_api));
    Ok(Router::new()
        .route("/", get(home))
        // Innermost, inside of the sessions: it has to know who is asking.
        .merge(paying.route_layer(authsignal.step_up_layer()))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    Ok(bank::page(&bank, is_signed_in(&session).await?, ""))
}

/// A form. The challenge is the layer's own answer: `?` returns it.
async fn pay(
    step_up: StepUp,
    State(bank): State<Bank>,
    Form(payment): Form<Payment>,
) -> Result<Redirect, StepUpResponse> {
    is_proven(&step_up, &payment).await?;
    bank.add_payment(); // From here on, and never before.
    Ok(Redirect::to("."))
}

/// The same for programs, which are told where the challenge is.
async fn pay_by_api(
    step_up: StepUp,
    State(bank): State<Bank>,
    Json(payment): Json<Payment>,
) -> Result<Json<Value>, StepUpResponse> {
    is_proven(&step_up, &payment).await?;
    bank.add_payment();
    Ok(Json(json!({ "paid": payment.amount })))
}

async fn is_proven(step_up: &StepUp, payment: &Payment) -> Result<(), StepUpResponse> {
    if payment.amount > SMALL {
        // What is approved is this amount: with another one the user is asked anew.
        step_up.require("pay", CustomData::new().with("amount", payment.amount)).await?;
    }
    Ok(())
}

/// A payment that is due later, and that no request is behind any more.
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) amount: u32,
}

/// Pays what is due, and says whether it has. `tell` reaches the user, with the URL of the challenge.
#[cfg_attr(not(test), expect(dead_code, reason = "the worker of a queue calls it"))]
pub(crate) async fn pay_out(authsignal: &Authsignal, bank: &Bank, job: &Job, tell: impl FnOnce(&str)) -> bool {
    let data = CustomData::new().with("amount", job.amount);
    // By the job's id it is one action, however often the job is begun.
    let is_proven = match authsignal.decide(User::new(&job.user), "payout").idempotency_key(&job.id).data(data).await {
        Decision::Passed(_) => true,
        Decision::Pending(pending) => {
            pending.url().map(tell);
            // A queue that restarts keeps `pending.id()` with the job, and goes on by `Authsignal::resume_decision`.
            matches!(pending.wait(PATIENCE).await, Waited::Verified(_))
        }
        // Refused, or nobody could be asked: the job waits for its next turn.
        _ => false,
    };
    if is_proven {
        bank.add_payment(); // That a job is done once is its queue's affair.
    }
    is_proven
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum_authsignal::User;
    use axum_authsignal_testing::{Outcome, TestAuthsignal};
    use serde_json::json;

    use super::{Bank, Job, pay_out};
    use crate::way;

    #[tokio::test]
    async fn a_payment_is_proved_and_made_once() {
        way::pays_once(super::app).await;
    }

    #[tokio::test]
    async fn a_logout_ends_what_was_approved() {
        way::a_logout_ends_what_was_approved(super::app).await;
    }

    #[tokio::test]
    async fn cancel_leads_back() {
        way::cancel_leads_back(super::app).await;
    }

    #[tokio::test]
    async fn in_chromium() {
        way::in_chromium(super::app).await;
    }

    #[tokio::test]
    async fn a_small_payment_asks_nobody() {
        let browser = way::signed_in(super::app).await;
        browser.get("/").await.fill("amount", "5").press("Pay").await.assert_text("Payments: 1");
        browser.authsignal().assert_tracked(0);
    }

    /// What was proved for 10 pays 10 and not 11.
    #[tokio::test]
    async fn a_program_is_told_where_the_challenge_is() {
        let browser = way::signed_in(super::app).await;
        let challenged = browser.fetch_json("/api/pay", &json!({ "amount": 10 })).await.assert_challenged("pay");
        challenged.prove().await;
        browser.fetch_json("/api/pay", &json!({ "amount": 11 })).await.assert_challenged("pay");
        assert_eq!(challenged.repeat().await.assert_status(200).json(), json!({ "paid": 10 }));
        challenged.repeat().await.assert_challenged("pay");
    }

    /// The user approves on the phone what a job is about to pay, or does not.
    #[tokio::test]
    async fn a_job_waits_for_its_user() {
        let test = TestAuthsignal::new().enroll("ada").outcome("payout", Outcome::Challenge);
        let authsignal = test.builder().identify(|_: HeaderMap| async { None::<User> }).build().unwrap();
        let bank = Bank::default();
        for (id, approves, paid) in [("1", true, 1), ("2", false, 1), ("1", true, 2)] {
            let job = Job { id: id.into(), user: "ada".into(), amount: 10 };
            let emulator = test.emulator();
            let tell = |url: &str| {
                let ended = if approves { emulator.succeed(url) } else { emulator.decline(url) };
                ended.unwrap();
            };
            assert_eq!(pay_out(&authsignal, &bank, &job, tell).await, approves, "job {id}");
            assert_eq!(bank.payments(), paid);
        }
        test.assert_tracked(2);
    }
}
