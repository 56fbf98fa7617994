//! The settings of one action.
use authsignal_client::VerificationMethod;

use crate::lifecycle::Outcome;

/// The settings of one action of a [`Tenant`](crate::Tenant).
///
/// # Examples
///
/// ```
/// use authsignal_client::VerificationMethod;
/// use authsignal_emulator::{ActionSettings, Outcome};
///
/// let sign_in = ActionSettings::new()
///     .outcome(Outcome::Challenge)
///     .methods([VerificationMethod::EmailOtp, VerificationMethod::Passkey])
///     .default_method(VerificationMethod::Passkey);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "does nothing until a tenant is given it"]
pub struct ActionSettings {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) methods: Vec<VerificationMethod>,
    pub(crate) default_method: Option<VerificationMethod>,
    pub(crate) prompt_to_enroll: Vec<VerificationMethod>,
    pub(crate) verification_webhook_url: Option<String>,
}

impl ActionSettings {
    /// Every default.
    pub fn new() -> Self {
        Self::default()
    }

    /// What attempts begin with, unless a rule says otherwise. Default: the tenant's default outcome.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// By what the user may prove themselves. Default: all that the tenant offers.
    pub fn methods(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The method that is shown first. Default: the user's.
    pub fn default_method(mut self, method: VerificationMethod) -> Self {
        self.default_method = Some(method);
        self
    }

    /// The methods that the user is asked to enrol after the challenge, where they have none of these. Default: none.
    pub fn prompt_to_enroll(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.prompt_to_enroll = methods.into_iter().collect();
        self
    }

    /// Who is asked (`action.verify`) before an attempt becomes `CHALLENGE_SUCCEEDED`, and may refuse. Default: nobody.
    pub fn verification_webhook_url(mut self, url: impl Into<String>) -> Self {
        self.verification_webhook_url = Some(url.into());
        self
    }
}
