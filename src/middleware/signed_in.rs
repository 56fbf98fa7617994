//! A fresh sign-in in the place of a challenge.
use super::case::Case;
use crate::domain::flow::{Opening, Proof};
use crate::request::cookie::Known;
use crate::store;
use crate::store::flows::sign_in::{SignInRecord, sign_in_binding};
use crate::verdict::question::Question;

impl Case<'_> {
    /// The sign-in that stands for the challenge which Authsignal asks for, if the route takes one and there is one.
    pub(super) async fn signed_in(&self, known: Option<&Known>) -> Result<Option<(Opening, Proof)>, store::Error> {
        let policy = &self.guard.policy;
        let Question { user, actor, session, .. } = &self.question;
        let (Some(accepted), Some(session), Some(known)) = (&policy.sign_in, session, known) else { return Ok(None) };
        if self.is_bearer || !actor.is_person() {
            return Ok(None);
        }
        self.trail.at("sign-in");
        let flows = &self.authsignal().flows;
        let callback_url = self.place.callback_url.as_str();
        let binding = sign_in_binding(callback_url, user.as_str(), session, &accepted.action);
        let found = flows.sign_in(&known.id, &binding).await?;
        let taken = found.filter(|found| accepted.takes(&found.proof, &policy.proof, flows.now()));
        self.trail.found(|| if taken.is_some() { "taken" } else { "none that counts" }.to_owned());
        Ok(taken.map(|SignInRecord { opening, proof, .. }| (opening, proof)))
    }
}
