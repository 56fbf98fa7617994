//! What of the database outlives a process: all but the counts of guesses and messages.
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::db::action::{Action, ActionId};
use crate::db::challenge::Challenge;
use crate::db::inbox::Inbox;
use crate::db::session::Session;
use crate::db::user::User;
use crate::db::{Call, Db};
use crate::lifecycle::Outcome;
use crate::tenant::Tenant;

/// The database as lists, since JSON has no maps but those by texts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Snapshot {
    users: BTreeMap<String, User>,
    actions: Vec<Action>,
    challenges: Vec<Challenge>,
    sessions: Vec<Session>,
    calls: Vec<Call>,
    messages: Inbox,
    /// Those that are not what the tenant's settings say.
    outcomes: BTreeMap<String, Outcome>,
}

impl Db {
    /// What is to be kept; `start` is what the tenant's settings say.
    pub(crate) fn keep(&self, start: &Tenant) -> Snapshot {
        let changed = self.tenant.actions.iter().filter_map(|(code, now)| {
            let before = start.actions.get(code).and_then(|before| before.outcome);
            (now.outcome != before).then_some((code.clone(), now.outcome?))
        });
        Snapshot {
            users: self.users.clone(),
            actions: self.actions.values().cloned().collect(),
            challenges: self.challenges.values().cloned().collect(),
            sessions: self.sessions.values().cloned().collect(),
            calls: self.calls.values().cloned().collect(),
            messages: self.inbox.clone(),
            outcomes: changed.collect(),
        }
    }

    /// The database as it was kept. Users whom the settings name and it doesn't know are new.
    pub(crate) fn restore(tenant: Tenant, kept: Snapshot, now: SystemTime) -> Self {
        let mut db = Self::new(tenant, now);
        db.users.extend(kept.users);
        db.tracked = kept.actions.iter().map(|action| action.sequence).max().unwrap_or_default();
        db.begun = kept.challenges.iter().map(|challenge| challenge.sequence).max().unwrap_or_default();
        db.actions = kept.actions.into_iter().map(|action| (ActionId::from(&action.record), action)).collect();
        db.challenges = kept.challenges.into_iter().collect();
        db.sessions = kept.sessions.into_iter().collect();
        db.calls = kept.calls.into_iter().map(|call| (call.reference_id.clone(), call)).collect();
        db.inbox = kept.messages;
        for (code, outcome) in kept.outcomes {
            db.tenant.actions.entry(code).or_default().outcome = Some(outcome);
        }
        db
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::credentials::totp::App;
    use crate::db::action::TrackInput;
    use crate::db::challenge::{NewChallenge, Waiting};
    use crate::db::inbox::{Channel, Message};
    use crate::db::user::{AuthenticatorKind, Phone};
    use crate::tenant::action::ActionSettings;
    use crate::tenant::person::NewUser;
    use authsignal_client::{UserId, VerificationMethod};

    fn tenant() -> Tenant {
        let read = ActionSettings::new().outcome(Outcome::Allow);
        Tenant::new().action("read", read.clone()).action("write", read).user(NewUser::new("eve"))
    }

    /// One with something of everything.
    fn db() -> Db {
        let mut db = Db::new(tenant(), UNIX_EPOCH);
        let at = UNIX_EPOCH + Duration::from_millis(1_768_471_200_123);
        let user = db.user_mut("ada \"1\"", at);
        for kind in [
            AuthenticatorKind::EmailOtp("ada@example.com".into()),
            AuthenticatorKind::Sms("+64270000000".into()),
            AuthenticatorKind::App { app: App::generate("ada"), last_step: Some(7) },
            AuthenticatorKind::Push(Phone { name: "Phone".into(), ..Phone::default() }),
        ] {
            user.enrol_verified(kind, false, at);
        }
        user.recovery_codes = vec!["7k2m-9xqa".into()];
        let id = ActionId::named("ada \"1\"", "write", "key 1").unwrap();
        db.track(&id, TrackInput { device_id: Some("device".into()), ..TrackInput::default() }, at);
        for waiting in [Waiting::Code("123456".into()), Waiting::Link { secret: "s".into(), opened: false }] {
            let method = VerificationMethod::EmailOtp;
            db.open(NewChallenge::of(&id, method, waiting, Duration::from_secs(600)), at);
        }
        db.put_session(
            Session {
                id: "s".into(),
                user: UserId::new("ada \"1\"").unwrap(),
                client_id: "app".into(),
                refresh_token: "r".into(),
                expires_at: at,
                refreshable_until: at,
                verification_method: None,
            },
            at,
        );
        db.calls.insert("c".into(), Call { reference_id: "c".into(), state: None });
        db.inbox.put(Message {
            channel: Channel::Email,
            to: "ada@example.com".into(),
            user_id: None,
            challenge_id: "c".into(),
            action: None,
            code: Some("123456".into()),
            link: None,
            at,
        });
        db.tenant.actions.get_mut("write").unwrap().outcome = Some(Outcome::Block);
        db
    }

    fn json(kept: &Snapshot) -> serde_json::Value {
        serde_json::to_value(kept).unwrap()
    }

    #[test]
    fn everything_comes_back() {
        let db = db();
        let kept = json(&db.keep(&tenant()));
        for member in ["users", "actions", "challenges", "sessions", "calls", "messages", "outcomes"] {
            let length = kept[member].as_array().map_or_else(|| kept[member].as_object().unwrap().len(), Vec::len);
            assert!(length > 0, "{member}");
        }
        let again = Db::restore(tenant(), serde_json::from_value(kept.clone()).unwrap(), UNIX_EPOCH);
        assert_eq!(json(&again.keep(&tenant())), kept);
        let actions = |db: &Db| db.outcomes();
        assert_eq!(actions(&again), actions(&db));
        assert_eq!((again.tracked, again.begun), (db.tracked, db.begun), "what comes next is newer");
    }

    #[test]
    fn what_the_settings_say_is_not_kept() {
        let db = Db::new(tenant(), UNIX_EPOCH);
        let kept = db.keep(&tenant());
        assert!(kept.outcomes.is_empty());
        let other =
            Tenant::new().action("read", ActionSettings::new().outcome(Outcome::Review)).user(NewUser::new("bob"));
        let again = Db::restore(other, kept, UNIX_EPOCH);
        assert_eq!(again.outcomes()["read"], Outcome::Review, "settings that have changed count");
        assert_eq!(again.users.keys().collect::<Vec<_>>(), ["bob", "eve"], "new ones join those that were there");
    }
}
