//! What an operator or a test does, whichever door they come through: the handle, or what stands under `/emulator`.
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;

use crate::db::action::RecordedAction;
use crate::fault::Fault;
use crate::handle::Emulator;
use crate::lifecycle::Outcome;
use crate::request_log::Endpoint;

impl Emulator {
    /// Forgets everything: users, actions, sessions, messages, webhooks, requests and injected faults. Outcomes, and
    /// where webhooks go, are what the tenant's settings say; the users are those of the settings; an
    /// [adjustable](authsignal_client::Clock::adjustable) clock goes as the system's does.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// The address that it listens on; port 0 of "any" where it listens on [none](Self::in_process).
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        self.socket.as_ref().map_or(nowhere, |socket| socket.listener.address())
    }

    /// Writes its state into its file now, if it has one ([`EmulatorBuilder::state_file`](crate::EmulatorBuilder::state_file))
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
        self.shared.db().users.keys().cloned().collect()
    }

    /// The attempts of all users, newest first.
    #[must_use]
    pub fn all_actions(&self) -> Vec<RecordedAction> {
        self.shared.db().newest_actions(usize::MAX).into_iter().cloned().collect()
    }

    /// What every `track` of an action begins with where no rule decides: of each action that is set up, or was tracked.
    #[must_use]
    pub fn outcomes(&self) -> BTreeMap<String, Outcome> {
        self.shared.db().outcomes()
    }

    /// Forgets what it would have sent.
    pub fn clear_messages(&self) {
        self.shared.db().inbox.clear();
    }

    /// The answers that wait for their calls, in line, as they are left; no endpoint stands for any.
    pub fn faults(&self) -> Vec<(Option<Endpoint>, Fault)> {
        self.shared.faults.waiting()
    }
}
