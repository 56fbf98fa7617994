//! Keeps the proof of a sign-in for the browser, the user and the session that it was given in; and takes the attempt that it
//! was, once for all nodes.
use serde::{Deserialize, Serialize};

use super::machine::{Found, Next, Record, Transition};
use super::transition::Look;
use super::{BindingHash, FlowStore, Place};
use crate::domain::fields::Fields;
use crate::domain::flow::{Moment, Opening, Proof, RequestId};
use crate::domain::revocation::Known;
use crate::domain::sign_in::MAX_SIGN_IN_AGE;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

/// A sign-in, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SignInRecord {
    pub(crate) opening: Opening,
    pub(crate) proof: Proof,
    /// The revocations that stood when it was taken.
    pub(crate) known: Known,
}

impl Record for SignInRecord {
    fn begun(&self) -> Option<(&Opening, &Known)> {
        Some((&self.opening, &self.known))
    }
}

/// What the sign-in of a user and session is found by, at one callback and of one action, in whatever browser.
pub(crate) fn sign_in_binding(callback_url: &str, user: &str, session: &str, action: &str) -> BindingHash {
    let mut fields = Fields::new("sign-in");
    for field in [callback_url, user, session, action] {
        fields.add(field);
    }
    fields.finish()
}

/// The later of two is kept.
struct Keep<'a>(&'a SignInRecord);

impl Transition for Keep<'_> {
    type Record = SignInRecord;
    type Outcome = ();

    fn apply(&self, found: Found<SignInRecord>, now: Moment) -> Next<SignInRecord, ()> {
        match found.record() {
            Some(found) if found.proof.given > self.0.proof.given => Next::Done(()),
            _ => Next::Write(self.0.clone(), self.0.proof.given.plus(MAX_SIGN_IN_AGE).after(now), ()),
        }
    }
}

impl FlowStore {
    /// Takes the attempt of a sign-in; `false` if it was taken before, at whatever node.
    pub(crate) async fn take_attempt(&self, opening: &Opening, by: RequestId) -> Result<bool, Error> {
        let mut fields = Fields::new("attempt of a sign-in");
        for field in [opening.user.as_str(), opening.action.as_str(), opening.attempt.as_str()] {
            fields.add(field);
        }
        self.spend_once(Purpose::SignInAttempt, &fields.finish(), by).await
    }

    pub(crate) async fn keep_sign_in(
        &self,
        browser: &BrowserId,
        binding: &BindingHash,
        record: &SignInRecord,
    ) -> Result<(), Error> {
        self.run(Place { purpose: Purpose::SignIn, browser, what: binding }, Keep(record)).await
    }

    /// The sign-in that is kept, unless it was revoked.
    pub(crate) async fn sign_in(
        &self,
        browser: &BrowserId,
        binding: &BindingHash,
    ) -> Result<Option<SignInRecord>, Error> {
        self.run(Place { purpose: Purpose::SignIn, browser, what: binding }, Look::<SignInRecord>::new()).await
    }
}
