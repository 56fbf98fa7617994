//! What an operator or a test does, whichever door they come through: the handle, or what stands under `/emulator`.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;

use jiff::SignedDuration;

use crate::client::ActionState;
use crate::emulator::Emulator;
use crate::emulator::db::World;
use crate::emulator::db::action::{ActionId, RecordedAction};
use crate::emulator::db::challenge::Challenge;
use crate::emulator::db::user::User;
use crate::emulator::fault::Scripted;
use crate::emulator::lifecycle::Outcome;
use crate::emulator::request_log::Endpoint;
use crate::emulator::state::Shared;
use crate::emulator::tenant::Tenant;
use crate::emulator::verification::visit::EmulatorError;
use crate::emulator::webhooks::HookSettings;
use crate::emulator::webhooks::target::Target;

/// What an emulator began with, and goes back to.
pub(crate) struct Start {
    pub(crate) tenant: Tenant,
    pub(crate) hooks: HookSettings,
}

impl Emulator {
    /// Forgets everything: users, actions, sessions, messages, webhooks, requests and scripted answers. Outcomes, and
    /// where webhooks go, are what the tenant's settings say; the users are those of the settings; an
    /// [adjustable](crate::Clock::adjustable) clock goes as the system's does.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.door.address()
    }

    /// Writes its state into its file now, if it has one ([`EmulatorBuilder::state_file`](super::EmulatorBuilder::state_file))
    /// and anything has changed. It is written by itself every second, and when the emulator is dropped, which can't tell
    /// that it failed. Blocks.
    ///
    /// # Errors
    ///
    /// When the file can't be written. The error names it.
    pub fn save(&self) -> io::Result<()> {
        self.shared.save()
    }

    /// The time by its clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.shared.clock.now()
    }

    /// Sets its clock, be it earlier or later. Does nothing when it was given the system's own.
    pub fn set_time(&self, now: SystemTime) {
        self.shared.clock.set(now);
    }

    /// The ids of the users it knows.
    #[must_use]
    pub fn users(&self) -> Vec<String> {
        self.shared.world().users.keys().cloned().collect()
    }

    /// The attempts of all users, newest first.
    #[must_use]
    pub fn all_actions(&self) -> Vec<RecordedAction> {
        self.shared.world().newest_actions(usize::MAX).into_iter().cloned().collect()
    }

    /// What every `track` of an action begins with where no rule decides: of each action that is set up, or was tracked.
    #[must_use]
    pub fn outcomes(&self) -> BTreeMap<String, Outcome> {
        self.shared.world().outcomes()
    }

    /// Forgets what it would have sent.
    pub fn clear_messages(&self) {
        self.shared.world().inbox.clear();
    }

    /// The answers that wait for their calls, in line, as they are left; no endpoint stands for any.
    pub fn faults(&self) -> Vec<(Option<Endpoint>, Scripted)> {
        self.shared.scripts.waiting()
    }
}

impl Shared {
    pub(crate) fn reset(&self) {
        self.clock.go_ahead(SignedDuration::ZERO);
        self.scripts.clear();
        self.seen.all().clear();
        self.hooks.start_over(self.start.hooks.clone());
        *self.world() = World::new(self.start.tenant.clone(), self.clock.now());
    }

    pub(crate) fn set_outcome(&self, action: String, outcome: Outcome) {
        self.world().tenant.actions.entry(action).or_default().outcome = Some(outcome);
    }

    pub(crate) fn decide(&self, id: &ActionId, state: ActionState) -> Result<(), EmulatorError> {
        let found = self.world().set_state(id, state, self.clock.now());
        if found { Ok(()) } else { Err(EmulatorError::UnknownAction) }
    }

    pub(crate) fn send_webhooks<'a>(
        &self,
        events: Option<&str>,
        logs: Option<&str>,
        verify: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<()> {
        let events = events.map(Target::new).transpose()?;
        let logs = logs.map(Target::new).transpose()?;
        let asked = verify.into_iter().map(|(action, url)| Ok((action.to_owned(), Target::new(url)?)));
        let asked = asked.collect::<io::Result<_>>()?;
        self.hooks.change(|settings| (settings.url, settings.log_url, settings.verify_urls) = (events, logs, asked));
        Ok(())
    }
}

impl World {
    /// At most so many attempts of all users, newest first.
    pub(crate) fn newest_actions(&self, most: usize) -> Vec<&RecordedAction> {
        let mut actions: Vec<_> = self.actions.values().collect();
        if actions.len() > most {
            actions.select_nth_unstable_by_key(most, |action| Reverse(action.sequence));
            actions.truncate(most);
        }
        actions.sort_unstable_by_key(|action| Reverse(action.sequence));
        actions.into_iter().map(|action| &action.record).collect()
    }

    /// At most so many users, those who were heard of last first.
    pub(crate) fn newest_users(&self, most: usize) -> Vec<(&str, &User)> {
        let mut users: Vec<_> = self.users.iter().map(|(id, user)| (id.as_str(), user)).collect();
        // Of several with one time, those first whose ids are.
        users.sort_by_key(|(_, user)| Reverse(user.created_at));
        users.truncate(most);
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
    use crate::emulator::db::action::Told;
    use crate::emulator::tenant::action::ActionSettings;

    fn tracked(world: &mut World, user: &str, action: &str) {
        let id = ActionId::named(user, action, &format!("{user}-{action}")).unwrap();
        world.track(&id, Told::default(), UNIX_EPOCH);
    }

    #[test]
    fn the_newest_actions_of_all() {
        let mut world = World::default();
        for (user, action) in [("z", "b"), ("a", "a"), ("m", "c"), ("a", "b")] {
            tracked(&mut world, user, action);
        }
        let newest = |most| -> Vec<_> {
            world.newest_actions(most).iter().map(|record| record.idempotency_key.to_string()).collect()
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
        let mut world = World::new(tenant, UNIX_EPOCH);
        tracked(&mut world, "ada", "read");
        tracked(&mut world, "ada", "transfer");
        let expected = [("read", Outcome::Allow), ("transfer", Outcome::Review), ("write", Outcome::Review)];
        assert_eq!(world.outcomes(), BTreeMap::from(expected.map(|(code, outcome)| (code.to_owned(), outcome))));
    }
}
