//! Verdicts for a handler that is tested alone.
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use authsignal_client::{ActionCode, IdempotencyKey, Track, UserId, VerificationMethod};
use http::Method;

use crate::action::{Action, VerdictFor};
use crate::domain::actor::Actor;
use crate::domain::coverage::Address;
use crate::domain::failover::Outage;
use crate::domain::flow::RequestId;
use crate::domain::policy::Policy;
use crate::domain::tenant::Tenant;
use crate::random::random;
use crate::transaction::{Approved, Transaction};
use crate::verdict::question::{LayerId, Question, Run, TrackAsked};
use crate::verdict::{Grounds, Inner, Verdict};

impl Verdict {
    /// A verdict as a layer would give it to the handler of `action`, so that the handler can be called as the function that
    /// it is. The attempt's key is a random one.
    ///
    /// It is good for a handler and for no layer: one that finds it in a request's extensions decides all the same (T103).
    ///
    /// # Panics
    ///
    /// If `user` is no user's id, or `action` no action's code.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum_authsignal::{Grounds, Verdict};
    ///
    /// async fn withdraw(verdict: Verdict) -> String {
    ///     format!("withdrawn by {}", verdict.user_id())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let verdict = Verdict::for_test("ada", "withdraw", Grounds::Allowed);
    /// assert_eq!(withdraw(verdict).await, "withdrawn by ada");
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_test(user: &str, action: &str, grounds: Grounds) -> Self {
        let user = UserId::new(user).unwrap_or_else(|why| panic!("invalid user id `{user}`: {why}"));
        let action = ActionCode::new(action).unwrap_or_else(|why| panic!("invalid action code `{action}`: {why}"));
        let question = Question {
            tenant: Tenant::random(),
            account: user.clone(),
            actor: Actor::default(),
            user,
            session: None,
            track: TrackAsked::new(Arc::new(Track::new(action.clone()))),
            action,
            policy: Policy::default(),
            method: Method::default(),
            address: Address::nowhere(),
            transaction: None,
        };
        Self::new(Inner {
            attempt: IdempotencyKey::random(),
            grounds,
            question,
            run: Run::new(RequestId(random()), LayerId::new()),
            is_taken: AtomicBool::new(true),
        })
    }
}

impl<A: Action> VerdictFor<A> {
    /// The same as [`Verdict::for_test`], for a handler that names its action.
    ///
    /// # Panics
    ///
    /// If `user` is no user's id.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use axum_authsignal::client::VerificationMethod;
    /// use axum_authsignal::{Action, Grounds, VerdictFor};
    ///
    /// struct Withdrawal;
    ///
    /// impl Action for Withdrawal {
    ///     const CODE: &'static str = "withdraw";
    /// }
    ///
    /// async fn withdraw(verdict: VerdictFor<Withdrawal>) -> bool {
    ///     verdict.is_verified()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let grounds = Grounds::verified_for_test(VerificationMethod::EmailOtp, SystemTime::UNIX_EPOCH);
    /// assert!(withdraw(VerdictFor::for_test("ada", grounds)).await);
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_test(user: &str, grounds: Grounds) -> Self {
        Self::from_verdict(Verdict::for_test(user, A::CODE, grounds))
    }
}

impl<T: Transaction> Approved<T> {
    /// A value as a layer would give it to a handler, which can so be called as the function that it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum_authsignal::{Approved, Grounds, Transaction, Verdict};
    ///
    /// #[derive(serde::Deserialize, Transaction)]
    /// struct Transfer {
    ///     amount: u64,
    /// }
    ///
    /// async fn transfer(transfer: Approved<Transfer>) -> String {
    ///     format!("{} by {}", transfer.amount, transfer.verdict().user_id())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let verdict = Verdict::for_test("ada", "transfer", Grounds::Allowed);
    /// assert_eq!(transfer(Approved::for_test(Transfer { amount: 10 }, verdict)).await, "10 by ada");
    /// # }
    /// ```
    #[must_use]
    pub fn for_test(value: T, verdict: Verdict) -> Self {
        Self::from_parts(value, verdict)
    }
}

impl Grounds {
    /// What the grounds are where the user proved it by `method`, at the time `at`.
    #[must_use]
    pub fn verified_for_test(method: impl Into<Option<VerificationMethod>>, at: SystemTime) -> Self {
        Self::Verified { method: method.into(), at }
    }

    /// What the grounds are where a request passed in this outage, with the application's own proof or without.
    #[must_use]
    pub fn failover_for_test(outage: Outage, is_proven: bool) -> Self {
        Self::Failover { outage, is_proven }
    }
}
