//! What an operator or a test does, whichever door they come through: the handle, or what stands under `/emulator`.
use std::io;

use authsignal_client::ActionState;
use jiff::SignedDuration;

use crate::db::Db;
use crate::db::action::ActionId;
use crate::http::authenticator::TenantAuthenticator;
use crate::lifecycle::Outcome;
use crate::state::AppState;
use crate::webhooks::target::Target;

impl AppState {
    pub(crate) fn reset(&self) {
        self.clock.set_offset(SignedDuration::ZERO);
        self.faults.clear();
        self.requests.all().clear();
        self.webhooks.start_over(self.start.webhooks.clone());
        *self.db() = Db::new(self.start.tenant.clone(), self.clock.now());
    }

    pub(crate) fn set_outcome(&self, action: String, outcome: Outcome) {
        self.db().tenant.actions.entry(action).or_default().outcome = Some(outcome);
    }

    /// Puts an action into a state; `false` when there is none.
    pub(crate) fn decide(&self, id: &ActionId, state: ActionState) -> bool {
        self.db().set_state(id, state, self.clock.now())
    }

    pub(crate) fn send_webhooks<'a>(
        &self,
        events: Option<&str>,
        logs: Option<&str>,
        verify: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<()> {
        let target = |url| Target::new(url, self.start.tenant.webhook_http_host.as_deref());
        let (events, logs) = (events.map(target).transpose()?, logs.map(target).transpose()?);
        let asked = verify.into_iter().map(|(action, url)| Ok((action.to_owned(), target(url)?)));
        let asked = asked.collect::<io::Result<_>>()?;
        self.webhooks.change(|settings| (settings.url, settings.log_url, settings.verify_urls) = (events, logs, asked));
        Ok(())
    }

    /// The methods that the tenant offers.
    pub(crate) fn offered(&self) -> Vec<TenantAuthenticator> {
        let methods = self.db().policy.methods.clone();
        methods.into_iter().map(|method| TenantAuthenticator::of(&self.tokens.tenant, method)).collect()
    }
}
