//! How the emulated tenant is set up: what one of the service's sets in its portal.
pub(crate) mod action;
pub(crate) mod check;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod methods;
pub(crate) mod person;
pub(crate) mod session;
pub(crate) mod setting;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use authsignal_client::VerificationMethod;
use secrecy::SecretString;
use url::{Host, Url};

use crate::lifecycle::Outcome;
use crate::rules::facts::{self, Facts, Known};
use crate::rules::network::Network;
use crate::rules::{self, Base, Decision, Rule, condition};
use crate::tenant::action::ActionSettings;
use crate::tenant::limits::Limits;
use crate::tenant::methods::METHODS;
use crate::tenant::person::NewUser;
use crate::tenant::session::AppClient;

const DEFAULT_NAME: &str = "Emulator";

/// The settings of an emulated tenant.
///
/// Everything has a default. [`check`](Self::check) says what cannot work; [`Config`](crate::Config) reads the same
/// from a file. Modelled on the service's management API (terraform provider, management-go).
///
/// # Examples
///
/// ```
/// use authsignal_client::VerificationMethod;
/// use authsignal_emulator::{ActionSettings, Facts, Outcome, Tenant};
///
/// let tenant = Tenant::new()
///     .methods([VerificationMethod::EmailOtp, VerificationMethod::Passkey])
///     .action("read", ActionSettings::new().outcome(Outcome::Allow))
///     .action("sign-in", ActionSettings::new().methods([VerificationMethod::EmailOtp]));
/// tenant.check()?;
///
/// let facts = Facts::new("ada");
/// assert_eq!(tenant.decide("read", &facts).outcome, Outcome::Allow);
/// assert_eq!(tenant.decide("sign-in", &facts).methods, [VerificationMethod::EmailOtp]);
/// assert_eq!(tenant.decide("never heard of", &facts).outcome, Outcome::Challenge);
///
/// let refused = tenant.verification_code_length(11).check().unwrap_err();
/// assert_eq!(refused.to_string(), "tenant.verification_code_length: invalid value 11: a code has 2 to 10 digits");
/// # Ok::<(), authsignal_emulator::TenantError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "does nothing until an emulator is given it"]
pub struct Tenant {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) default_outcome: Outcome,
    pub(crate) methods: Vec<VerificationMethod>,
    pub(crate) verification_code_length: u8,
    pub(crate) code_ttl: Duration,
    pub(crate) token_ttl: Duration,
    pub(crate) recovery_codes: bool,
    pub(crate) locale: String,
    pub(crate) custom_domains: Vec<String>,
    pub(crate) relying_party_id: Option<String>,
    pub(crate) second_secret: Option<SecretString>,
    pub(crate) authenticator_not_found: bool,
    pub(crate) webhook_url: Option<String>,
    pub(crate) webhook_log_url: Option<String>,
    pub(crate) webhook_timeout: Duration,
    pub(crate) webhook_http_host: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) actions: BTreeMap<String, ActionSettings>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) app_clients: Vec<AppClient>,
    pub(crate) networks: Vec<Network>,
    pub(crate) users: Vec<NewUser>,
}

impl Default for Tenant {
    fn default() -> Self {
        Self {
            id: None,
            name: DEFAULT_NAME.to_owned(),
            default_outcome: Outcome::default(),
            methods: METHODS.into_iter().filter(|method| *method != VerificationMethod::QrCode).collect(),
            verification_code_length: 6,
            code_ttl: Duration::from_secs(600),
            token_ttl: Duration::from_secs(600),
            recovery_codes: true,
            locale: "en".to_owned(),
            custom_domains: Vec::new(),
            relying_party_id: None,
            second_secret: None,
            authenticator_not_found: false,
            webhook_url: None,
            webhook_log_url: None,
            webhook_timeout: Duration::from_secs(10),
            webhook_http_host: None,
            limits: Limits::default(),
            actions: BTreeMap::new(),
            rules: Vec::new(),
            app_clients: Vec::new(),
            networks: Vec::new(),
            users: Vec::new(),
        }
    }
}

impl Tenant {
    /// Its name, unless that is the default.
    pub(crate) fn brand(&self) -> Option<String> {
        (self.name != DEFAULT_NAME).then(|| self.name.clone())
    }

    /// A tenant with every default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its id, a UUID, which client SDKs are configured with. Default: a random one at each start.
    pub fn id(mut self, uuid: impl Into<String>) -> Self {
        self.id = Some(uuid.into());
        self
    }

    /// Its name, which the pages show. Default: `Emulator`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What attempts begin with whose action and rules don't say. Default: [`Outcome::Challenge`], an assumption.
    pub fn default_outcome(mut self, outcome: Outcome) -> Self {
        self.default_outcome = outcome;
        self
    }

    /// By what its users may prove themselves. Default: `EMAIL_OTP`, `EMAIL_MAGIC_LINK`, `SMS`, `WHATSAPP`,
    /// `AUTHENTICATOR_APP`, `PASSKEY`, `SECURITY_KEY`, `PUSH`; `QR_CODE` works as well and isn't named, since the
    /// dotnet SDK throws on methods that it doesn't know.
    pub fn methods(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// How many digits the codes have that are sent, 2 to 10. Default: 6, as the service's (terraform provider,
    /// `verificationCodeLength`).
    pub fn verification_code_length(mut self, digits: u8) -> Self {
        self.verification_code_length = digits;
        self
    }

    /// How long such a code is taken. Default: 10 minutes, an assumption.
    pub fn code_ttl(mut self, ttl: Duration) -> Self {
        self.code_ttl = ttl;
        self
    }

    /// How long a token is taken that `track` or a challenge gave. Default: 10 minutes, as the service's (docs).
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.token_ttl = ttl;
        self
    }

    /// Whether users get recovery codes, and may use them. Default: yes.
    pub fn recovery_codes(mut self, yes: bool) -> Self {
        self.recovery_codes = yes;
        self
    }

    /// The language of pages where `track`, the user and the browser name none that they have (BCP 47). Default: `en`.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = tag.into();
        self
    }

    /// Adds a host that `customDomain` may name. The challenge page is at the emulator's own origin all the same.
    /// Default: none.
    pub fn custom_domain(mut self, host: impl Into<String>) -> Self {
        self.custom_domains.push(host.into());
        self
    }

    /// The domain that passkeys are made for. Default: the host of the emulator's origin, where that is a name, else
    /// `localhost`: browsers make no passkeys for an address such as 127.0.0.1 (WebAuthn, 5.1.3), so the challenge
    /// page goes there for them.
    pub fn relying_party_id(mut self, domain: impl Into<String>) -> Self {
        self.relying_party_id = Some(domain.into());
        self
    }

    /// A second API secret key that is taken beside the first and signs webhooks with it, as while a key is being
    /// replaced. Default: none.
    pub fn second_secret(mut self, secret: impl Into<String>) -> Self {
        self.second_secret = Some(SecretString::from(secret.into()));
        self
    }

    /// Whether `track` answers 400 `AUTHENTICATOR_NOT_FOUND` while the tenant offers no method at all (docs, FAQ; the
    /// spelling is an assumption). Default: no.
    pub fn authenticator_not_found(mut self, yes: bool) -> Self {
        self.authenticator_not_found = yes;
        self
    }

    /// Where events go as they happen. Default: nowhere.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Where logs go, in batches. Default: nowhere.
    pub fn webhook_log_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_log_url = Some(url.into());
        self
    }

    /// How long an answer to a webhook is waited for, connecting included. Default: 10 seconds, an assumption.
    pub fn webhook_timeout(mut self, timeout: Duration) -> Self {
        self.webhook_timeout = timeout;
        self
    }

    /// Lets webhooks go by plain `http` to this host too, a name or an address without a port: to an application in a network of
    /// containers, that has no certificate. Default: none; plain `http` is for this machine alone.
    ///
    /// Codes and what users do are readable by whoever is on the way, which a warning says at the start.
    pub fn dangerous_allow_webhooks_by_http_to(mut self, host: impl Into<String>) -> Self {
        self.webhook_http_host = Some(host.into());
        self
    }

    /// How often a user may have something sent, and may guess. Default: as the service's ([`Limits::new`]).
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets up an action, by its code, in place of an earlier setting of it. Default: none; an action that is tracked
    /// without has the tenant's defaults.
    pub fn action(mut self, code: impl Into<String>, settings: ActionSettings) -> Self {
        self.actions.insert(code.into(), settings);
        self
    }

    /// Adds a rule. Default: none.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds a client that sessions can be made for. Default: none.
    pub fn app_client(mut self, client: AppClient) -> Self {
        self.app_clients.push(client);
        self
    }

    /// Adds what is known of a network. Default: nothing.
    pub fn network(mut self, network: Network) -> Self {
        self.networks.push(network);
        self
    }

    /// Adds a user who is there from the start. Default: none.
    pub fn user(mut self, user: NewUser) -> Self {
        self.users.push(user);
        self
    }

    /// Decides about an attempt, as `track` does for one that it doesn't know yet. Nothing is remembered.
    #[must_use]
    pub fn decide(&self, action: &str, facts: &Facts) -> Decision {
        let unset = ActionSettings::default();
        let settings = self.actions.get(action).unwrap_or(&unset);
        let base = Base {
            outcome: settings.outcome.unwrap_or(self.default_outcome),
            methods: if settings.methods.is_empty() { &self.methods } else { &settings.methods },
            default_method: settings.default_method.as_ref(),
            prompt_to_enroll: &settings.prompt_to_enroll,
        };
        let network = facts.ip_address.as_deref().and_then(|address| self.network_of(address));
        rules::decide(&self.rules, action, base, &Known { facts, network })
    }

    /// What is known of an address: what its smallest network says, and of two alike the first.
    pub(crate) fn network_of(&self, address: &str) -> Option<&Network> {
        let address = facts::address(address)?;
        let around = self.networks.iter().rev().filter_map(|network| {
            let net = condition::network(&network.cidr)?;
            net.contains(&address).then_some((net.prefix_len(), network))
        });
        around.max_by_key(|(length, _)| *length).map(|(_, network)| network)
    }

    /// The domain that passkeys are made for, when the emulator is at `origin`.
    pub(crate) fn relying_party(&self, origin: &Url) -> String {
        match (&self.relying_party_id, origin.host()) {
            (Some(id), _) => id.clone(),
            (None, Some(Host::Domain(name))) => name.to_owned(),
            (None, _) => "localhost".to_owned(),
        }
    }
}
