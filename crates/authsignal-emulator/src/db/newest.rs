//! What operators look at: what is newest, and what every attempt begins with.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::db::Db;
use crate::db::action::RecordedAction;
use crate::db::challenge::Challenge;
use crate::db::user::User;
use crate::lifecycle::Outcome;

impl Db {
    /// At most so many attempts of all users, newest first.
    pub(crate) fn newest_actions(&self, max: usize) -> Vec<&RecordedAction> {
        let mut actions: Vec<_> = self.actions.values().collect();
        if actions.len() > max {
            actions.select_nth_unstable_by_key(max, |action| Reverse(action.sequence));
            actions.truncate(max);
        }
        actions.sort_unstable_by_key(|action| Reverse(action.sequence));
        actions.into_iter().map(|action| &action.record).collect()
    }

    /// At most so many users, those who were heard of last first.
    pub(crate) fn newest_users(&self, max: usize) -> Vec<(&str, &User)> {
        let mut users: Vec<_> = self.users.iter().map(|(id, user)| (id.as_str(), user)).collect();
        // Of several with one time, those first whose ids are.
        users.sort_by_key(|(_, user)| Reverse(user.created_at));
        users.truncate(max);
        users
    }

    /// The challenges that nobody has answered yet, newest first.
    pub(crate) fn waiting_challenges(&self, now: SystemTime) -> Vec<&Challenge> {
        let mut waiting: Vec<_> = self.challenges.values().filter(|known| known.is_open(now)).collect();
        waiting.sort_unstable_by_key(|known| Reverse(known.sequence));
        waiting
    }

    pub(crate) fn outcomes(&self) -> BTreeMap<String, Outcome> {
        let settings = &self.tenant.actions;
        let tracked = self.actions.keys().map(|id| id.action.as_str());
        let codes: BTreeSet<&str> = settings.keys().map(String::as_str).chain(tracked).collect();
        let with_outcome = |code: &str| {
            let outcome = settings.get(code).and_then(|action| action.outcome);
            (code.to_owned(), outcome.unwrap_or(self.tenant.default_outcome))
        };
        codes.into_iter().map(with_outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::db::action::ActionId;
    use crate::db::action::TrackInput;
    use crate::tenant::Tenant;
    use crate::tenant::action::ActionSettings;

    fn tracked(db: &mut Db, user: &str, action: &str) {
        let id = ActionId::named(user, action, &format!("{user}-{action}")).unwrap();
        db.track(&id, TrackInput::default(), UNIX_EPOCH);
    }

    #[test]
    fn the_newest_actions_of_all() {
        let mut db = Db::default();
        for (user, action) in [("z", "b"), ("a", "a"), ("m", "c"), ("a", "b")] {
            tracked(&mut db, user, action);
        }
        let newest = |max| -> Vec<_> {
            db.newest_actions(max).iter().map(|record| record.idempotency_key.to_string()).collect()
        };
        assert_eq!(newest(usize::MAX), ["a-b", "m-c", "a-a", "z-b"]);
        assert_eq!(newest(4), newest(usize::MAX));
        assert_eq!(newest(2), ["a-b", "m-c"]);
        assert!(newest(0).is_empty());
    }

    #[test]
    fn outcomes_of_what_is_set_up_or_was_tracked() {
        let tenant = Tenant::new()
            .default_outcome(Outcome::Review)
            .action("read", ActionSettings::new().outcome(Outcome::Allow))
            .action("write", ActionSettings::new());
        let mut db = Db::new(tenant, UNIX_EPOCH);
        tracked(&mut db, "ada", "read");
        tracked(&mut db, "ada", "transfer");
        let expected = [("read", Outcome::Allow), ("transfer", Outcome::Review), ("write", Outcome::Review)];
        assert_eq!(db.outcomes(), BTreeMap::from(expected.map(|(code, outcome)| (code.to_owned(), outcome))));
    }
}
