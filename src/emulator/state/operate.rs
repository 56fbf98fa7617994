//! What an operator or a test does, whichever door they come through: the handle, or what stands under `/emulator`.
use std::io;

use jiff::SignedDuration;

use crate::client::ActionState;
use crate::emulator::db::World;
use crate::emulator::db::action::ActionId;
use crate::emulator::http::authenticator::TenantAuthenticator;
use crate::emulator::lifecycle::Outcome;
use crate::emulator::state::Shared;
use crate::emulator::webhooks::target::Target;

impl Shared {
    pub(crate) fn reset(&self) {
        self.clock.set_offset(SignedDuration::ZERO);
        self.scripts.clear();
        self.seen.all().clear();
        self.hooks.start_over(self.start.hooks.clone());
        *self.world() = World::new(self.start.tenant.clone(), self.clock.now());
    }

    pub(crate) fn set_outcome(&self, action: String, outcome: Outcome) {
        self.world().tenant.actions.entry(action).or_default().outcome = Some(outcome);
    }

    /// Puts an action into a state; `false` when there is none.
    pub(crate) fn decide(&self, id: &ActionId, state: ActionState) -> bool {
        self.world().set_state(id, state, self.clock.now())
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

    /// The methods that the tenant offers.
    pub(crate) fn offered(&self) -> Vec<TenantAuthenticator> {
        let methods = self.world().policy.methods.clone();
        methods.into_iter().map(|method| TenantAuthenticator::of(&self.tokens.tenant, method)).collect()
    }
}
