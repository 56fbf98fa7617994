//! Requests that pass without having been asked about: switched off, not among those who are asked, or not for the condition.
use authsignal_client::{ActionCode, UserId};
use http::request::Parts;

use super::case::Case;
use super::guard::Guard;
use super::when::WhenRequest;
use crate::domain::extent::SkipReason;
use crate::domain::fields::Fields;
use crate::store::seal::KeyRing;

impl Guard {
    /// Whether nobody is asked about this request, and why.
    pub(super) async fn unasked(&self, case: &Case<'_>, parts: &Parts) -> Option<SkipReason> {
        let extent = &self.policy.extent;
        if let Some(reason) = &extent.off {
            return Some(SkipReason::Off(reason.clone()));
        }
        if extent.share.is_some()
            && !extent.includes(number_of(&self.authsignal.flows.keys, &self.action, &case.question.account))
        {
            return Some(SkipReason::Share);
        }
        if let Some(condition) = &self.condition {
            let question = &case.question;
            let request = WhenRequest {
                parts: parts.clone(),
                user: question.account.clone(),
                actor: question.actor.clone(),
                session: question.session.clone(),
                action: self.action.clone(),
            };
            if let Some(reason) = Box::pin(condition.skips(request)).await {
                return Some(SkipReason::When(reason));
            }
        }
        None
    }
}

/// The number that is drawn for a user and an action, so that it is not the same users at each.
fn number_of(keys: &KeyRing, action: &ActionCode, user: &UserId) -> u64 {
    let mut fields = Fields::new("share");
    fields.add(action.as_str());
    fields.add(user.as_str());
    keys.draw(&fields.finish())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::extent::Extent;
    use crate::domain::tenant::{Tenant, Tenants};

    const USERS: usize = 100_000;

    /// What is drawn for so many users.
    fn drawn(secret: &[u8], older: &[&[u8]], action: &str, users: usize) -> Vec<u64> {
        let keys = KeyRing::new(secret, older, Tenants::one(Tenant::of(1)));
        let action = ActionCode::new(action).unwrap();
        let user = |number: usize| UserId::new(format!("user-{number}")).unwrap();
        (0..users).map(|number| number_of(&keys, &action, &user(number))).collect()
    }

    fn asked(drawn: &[u64], percent: u8) -> BTreeSet<usize> {
        let extent = Extent { share: Some(percent), ..Extent::default() };
        (0..drawn.len()).filter(|user| extent.includes(drawn[*user])).collect()
    }

    /// 10^5 users: as many as it says, the same on each node and after a restart, and a raise keeps them in.
    #[test]
    fn a_share_is_evenly_drawn_and_the_same_everywhere() {
        let all = drawn(b"the secret of all nodes", &[], "export", USERS);
        assert_eq!(all, drawn(b"the secret of all nodes", &[b"an older one"], "export", USERS), "another node");
        let mut before = BTreeSet::new();
        for percent in [1, 5, 10, 20, 50, 100] {
            let now = asked(&all, percent);
            println!("{percent} in 100: {} of {USERS} users", now.len());
            // Five times the standard deviation: a right draw is outside of it once in a million.
            let share = f64::from(percent) / 100.0;
            let most_off = 5.0 * (USERS as f64 * share * (1.0 - share)).sqrt();
            assert!((now.len() as f64 - USERS as f64 * share).abs() <= most_off, "{percent}: {}", now.len());
            assert!(before.is_subset(&now), "{percent}");
            before = now;
        }
        let ten = asked(&all[..10_000], 10);
        for (why, other) in [
            ("another action", drawn(b"the secret of all nodes", &[], "delete", 10_000)),
            ("another secret", drawn(b"another secret", &[], "export", 10_000)),
        ] {
            let both = ten.intersection(&asked(&other, 10)).count();
            println!("{why}: {both} of {} users are asked there, too", ten.len());
            assert!((50..150).contains(&both), "{why}: {both}");
        }
    }
}
