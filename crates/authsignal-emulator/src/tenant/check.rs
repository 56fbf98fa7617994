//! What settings cannot work.
use std::collections::BTreeMap;
use std::time::Duration;

use authsignal_client::url::redacted_url;
use authsignal_client::{ActionCode, UserId, VerificationMethod};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use uuid::Uuid;

use crate::rules::Rule;
use crate::rules::condition::{self, When};
use crate::rules::facts::Variable;
use crate::rules::network::Network;
use crate::tenant::Tenant;
use crate::tenant::error::TenantError;
use crate::tenant::methods::METHODS;
use crate::tenant::person::NewUser;
use crate::tenant::session::AppClient;
use crate::tenant::setting::Setting;

type Checked = Result<(), TenantError>;

/// The claims that every access token has of its own.
const RESERVED_CLAIMS: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];
/// Far beyond what anybody waits for, and far from where a clock ends.
const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

impl Tenant {
    /// Says what cannot work, the first thing that it finds. An emulator doesn't start with a tenant that this refuses.
    ///
    /// # Errors
    ///
    /// [`TenantError`] names the setting and says what is wrong with it.
    pub fn check(&self) -> Result<(), TenantError> {
        let tenant = Setting::top("tenant");
        if let Some(id) = &self.id {
            uuid(&tenant.key("id"), id)?;
        }
        label(&tenant.key("name"), &self.name)?;
        listed(&tenant.key("methods"), &self.methods)?;
        let digits = self.verification_code_length;
        if !(2..=10).contains(&digits) {
            let setting = tenant.key("verification_code_length");
            return Err(refused(&setting, digits.to_string(), "a code has 2 to 10 digits"));
        }
        lasting(&tenant.key("code_ttl"), self.code_ttl, SECOND)?;
        lasting(&tenant.key("token_ttl"), self.token_ttl, SECOND)?;
        locale(&tenant.key("locale"), &self.locale)?;
        for (at, domain) in self.custom_domains.iter().enumerate() {
            host(&tenant.key("custom_domains").index(at), domain)?;
        }
        if let Some(domain) = &self.relying_party_id {
            host(&tenant.key("relying_party_id"), domain)?;
        }
        if let Some(second) = &self.second_secret {
            secret(&tenant.key("second_secret"), second)?;
        }
        self.check_actions()?;
        self.check_rules()?;
        self.check_webhooks_and_limits()?;
        unique("app_clients", "id", self.app_clients.iter().map(|client| &client.id))?;
        unique("networks", "cidr", self.networks.iter().map(|network| &network.cidr))?;
        unique("users", "id", self.users.iter().map(|user| &user.id))?;
        each("app_clients", &self.app_clients, app_client)?;
        each("networks", &self.networks, network)?;
        each("users", &self.users, |setting, user| self.check_user(setting, user))
    }

    fn check_actions(&self) -> Checked {
        for (code, action) in &self.actions {
            let setting = Setting::top("actions").key(code);
            action_code(&setting, code)?;
            self.check_methods(&setting, &action.methods, action.default_method.as_ref(), &action.prompt_to_enroll)?;
            if let Some(text) = &action.verification_webhook_url {
                url(&setting.key("verification_webhook_url"), text)?;
            }
        }
        Ok(())
    }

    fn check_rules(&self) -> Checked {
        unique("rules", "id", self.rules.iter().map(|rule| &rule.id))?;
        let mut priorities = BTreeMap::new();
        each("rules", &self.rules, |setting, rule| {
            uuid(&setting.key("id"), &rule.id)?;
            label(&setting.key("name"), &rule.name)?;
            if rule.actions.is_empty() {
                return Err(missing(&setting.key("actions"), "a rule applies to the actions that it names"));
            }
            for (at, code) in rule.actions.iter().enumerate() {
                action_code(&setting.key("actions").index(at), code)?;
            }
            self.check_methods(setting, &rule.methods, rule.default_method.as_ref(), &rule.prompt_to_enroll)?;
            conditions(setting, rule)?;
            let Some(priority) = rule.priority else { return Ok(()) };
            let own = setting.key("priority");
            if priority > 99 {
                return Err(refused(&own, priority.to_string(), "a priority is 0 to 99"));
            }
            for code in &rule.actions {
                let by = priorities.entry((code, priority)).or_insert_with(|| own.clone()).clone();
                if by != own {
                    return Err(TenantError::Taken { setting: own, value: format!("{priority} of {code}"), by });
                }
            }
            Ok(())
        })
    }

    fn check_webhooks_and_limits(&self) -> Checked {
        let webhooks = Setting::top("webhooks");
        for (key, text) in [("url", &self.webhook_url), ("log_url", &self.webhook_log_url)] {
            if let Some(text) = text {
                url(&webhooks.key(key), text)?;
            }
        }
        if let Some(text) = &self.webhook_http_host {
            http_host(&webhooks.key("dangerous_allow_http_to"), text)?;
        }
        lasting(&webhooks.key("timeout"), self.webhook_timeout, Duration::from_millis(1))?;
        let limits = Setting::top("limits");
        lasting(&limits.key("send_window"), self.limits.send_window, SECOND)?;
        lasting(&limits.key("verify_window"), self.limits.verify_window, SECOND)
    }

    /// The methods of an action or a rule: among those of the tenant, and the default one among their own.
    fn check_methods(
        &self,
        setting: &Setting,
        methods: &[VerificationMethod],
        default: Option<&VerificationMethod>,
        prompted: &[VerificationMethod],
    ) -> Checked {
        let offered = Setting::top("tenant").key("methods");
        listed(&setting.key("methods"), methods)?;
        for (at, method) in methods.iter().enumerate() {
            self.check_offered(&setting.key("methods").index(at), method, &offered)?;
        }
        listed(&setting.key("prompt_to_enroll"), prompted)?;
        for (at, method) in prompted.iter().enumerate() {
            among(&setting.key("prompt_to_enroll").index(at), method, &self.methods, &offered)?;
        }
        let Some(default) = default else { return Ok(()) };
        let own = setting.key("default_method");
        known(&own, default)?;
        if methods.is_empty() {
            self.check_offered(&own, default, &offered)
        } else {
            among(&own, default, methods, &setting.key("methods"))
        }
    }

    fn check_offered(&self, setting: &Setting, method: &VerificationMethod, offered: &Setting) -> Checked {
        if *method == VerificationMethod::RecoveryCode && self.recovery_codes {
            return Ok(());
        }
        among(setting, method, &self.methods, offered)
    }

    fn check_user(&self, setting: &Setting, user: &NewUser) -> Checked {
        let id = setting.key("id");
        UserId::new(&user.id).map_err(|why| quoted(&id, &user.id, why.to_string()))?;
        if let Some(address) = &user.email {
            let halves = address.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
            let strange = |c: char| c.is_control() || c.is_whitespace();
            if address.len() > 254 || address.contains(strange) || halves.is_none_or(|(_, host)| host.contains('@')) {
                return Err(quoted(&setting.key("email"), address, "an e-mail address is asked for"));
            }
        }
        if let Some(number) = &user.phone_number {
            let digits = number.strip_prefix('+').unwrap_or_default();
            let plausible = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
            if !plausible || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let reason = "a number in E.164 form is asked for, such as \"+64270000000\"";
                return Err(quoted(&setting.key("phone_number"), number, reason));
            }
        }
        if let Some(tag) = &user.locale {
            locale(&setting.key("locale"), tag)?;
        }
        if user.otp_secret.is_some() && user.app().is_none() {
            let reason = "a secret in base 32 is asked for, such as authenticator apps take";
            return Err(TenantError::Secret { setting: setting.key("otp_secret"), reason });
        }
        listed(&setting.key("methods"), &user.methods)?;
        for (at, method) in user.methods.iter().enumerate() {
            let own = setting.key("methods").index(at);
            among(&own, method, &self.methods, &Setting::top("tenant").key("methods"))?;
            let (key, set) = match method {
                VerificationMethod::EmailOtp | VerificationMethod::EmailMagicLink => ("email", user.email.is_some()),
                VerificationMethod::Sms | VerificationMethod::Whatsapp => ("phone_number", user.phone_number.is_some()),
                VerificationMethod::AuthenticatorApp => ("otp_secret", user.otp_secret.is_some()),
                _ => return Err(quoted(&own, method.as_str(), "it takes a device to enrol this")),
            };
            if !set {
                return Err(missing(&setting.key(key), &format!("the user has {method} enrolled")));
            }
        }
        match &user.default_method {
            Some(default) => among(&setting.key("default_method"), default, &user.methods, &setting.key("methods")),
            None => Ok(()),
        }
    }
}

fn each<'a, T>(key: &str, all: &'a [T], mut check: impl FnMut(&Setting, &'a T) -> Checked) -> Checked {
    all.iter().enumerate().try_for_each(|(at, one)| check(&Setting::top(key).index(at), one))
}

/// No two of a list have the same name.
fn unique<'a>(list: &str, key: &str, names: impl Iterator<Item = &'a String>) -> Checked {
    let mut seen = BTreeMap::new();
    for (at, name) in names.enumerate() {
        let setting = Setting::top(list).index(at).key(key);
        if let Some(by) = seen.insert(name, setting.clone()) {
            return Err(TenantError::Taken { setting, value: format!("{name:?}"), by });
        }
    }
    Ok(())
}

fn conditions(setting: &Setting, rule: &Rule) -> Checked {
    let one = |setting: Setting, when: &When| {
        when.0.iter().try_for_each(|(name, condition)| {
            let setting = setting.variable(name);
            let Some((_, kind)) = Variable::named(name) else {
                return Err(TenantError::UnknownVariable { setting, variable: name.clone() });
            };
            match condition.fault(kind) {
                Some(reason) => {
                    let setting = setting.key(condition.operator.name());
                    Err(TenantError::Condition { setting, reason: reason.to_owned() })
                }
                None => Ok(()),
            }
        })
    };
    one(setting.key("when"), &rule.when)?;
    for (at, when) in rule.any.iter().enumerate() {
        let setting = setting.key("any").index(at);
        if when.0.is_empty() {
            let reason = "an alternative without a condition always holds".to_owned();
            return Err(TenantError::Condition { setting, reason });
        }
        one(setting, when)?;
    }
    Ok(())
}

/// A list of methods, each known and there once.
fn listed(setting: &Setting, methods: &[VerificationMethod]) -> Checked {
    for (at, method) in methods.iter().enumerate() {
        known(&setting.index(at), method)?;
        if let Some(before) = methods[..at].iter().position(|earlier| earlier == method) {
            let (setting, by) = (setting.index(at), setting.index(before));
            return Err(TenantError::Taken { setting, value: method.to_string(), by });
        }
    }
    Ok(())
}

fn known(setting: &Setting, method: &VerificationMethod) -> Checked {
    if METHODS.contains(method) || *method == VerificationMethod::RecoveryCode {
        return Ok(());
    }
    Err(TenantError::UnknownMethod { setting: setting.clone(), method: method.clone() })
}

fn among(setting: &Setting, method: &VerificationMethod, methods: &[VerificationMethod], among: &Setting) -> Checked {
    if methods.contains(method) {
        return Ok(());
    }
    Err(TenantError::NotOffered { setting: setting.clone(), method: method.clone(), among: among.clone() })
}

fn app_client(setting: &Setting, client: &AppClient) -> Checked {
    if client.id.is_empty() || client.id.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(quoted(&setting.key("id"), &client.id, "an id without spaces is asked for"));
    }
    lasting(&setting.key("access_ttl"), client.access_ttl, SECOND)?;
    lasting(&setting.key("refresh_ttl"), client.refresh_ttl, SECOND)?;
    match client.claims.keys().find(|claim| RESERVED_CLAIMS.contains(&claim.as_str())) {
        Some(claim) => Err(quoted(&setting.key("claims").key(claim), claim, "every token has this claim of its own")),
        None => Ok(()),
    }
}

fn network(setting: &Setting, network: &Network) -> Checked {
    if condition::network(&network.cidr).is_none() {
        let reason = "a network is asked for, such as \"203.0.113.0/24\"";
        return Err(quoted(&setting.key("cidr"), &network.cidr, reason));
    }
    match &network.country_code {
        Some(code) if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Err(quoted(&setting.key("country_code"), code, "two capital letters are asked for, such as \"NZ\""))
        }
        _ => Ok(()),
    }
}

fn action_code(setting: &Setting, code: &str) -> Checked {
    ActionCode::new(code).map(drop).map_err(|why| quoted(setting, code, why.to_string()))
}

fn uuid(setting: &Setting, text: &str) -> Checked {
    Uuid::try_parse(text).map(drop).map_err(|_| quoted(setting, text, "a UUID is asked for"))
}

/// A name that people read.
fn label(setting: &Setting, text: &str) -> Checked {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(quoted(setting, text, "a name is asked for, on one line"));
    }
    Ok(())
}

/// The form of a BCP 47 tag; whether there is such a language is not looked up.
fn locale(setting: &Setting, tag: &str) -> Checked {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let language = tag.split('-').next().unwrap_or_default();
    let named = (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    if named && tag.len() <= 35 && tag.split('-').all(subtag) {
        return Ok(());
    }
    Err(quoted(setting, tag, "a language tag is asked for, such as \"en-NZ\""))
}

fn host(setting: &Setting, text: &str) -> Checked {
    let plain = |domain: &str| domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    match Host::parse(text) {
        Ok(Host::Domain(domain)) if domain == text && plain(&domain) => Ok(()),
        _ => Err(quoted(setting, text, "a host name in small letters is asked for, such as \"auth.example.com\"")),
    }
}

/// One host: a URL, a list or a port would open something else than was meant.
fn http_host(setting: &Setting, text: &str) -> Checked {
    match Host::parse(text) {
        Ok(Host::Domain(name)) if name.is_empty() || name.contains(['*', ',']) => {}
        Ok(_) => return Ok(()),
        Err(_) => {}
    }
    Err(quoted(setting, text, "a host without a port is asked for, such as \"app\""))
}

fn url(setting: &Setting, text: &str) -> Checked {
    let seen = text.chars().all(|c| !c.is_control() && !c.is_whitespace() && c != '\\');
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none() || !seen {
        return Err(quoted(setting, &redacted_url(text), "an http or https URL is asked for"));
    }
    Ok(())
}

/// As [`Client::builder`](authsignal_client::Client::builder) takes it.
pub(crate) fn secret(setting: &Setting, secret: &SecretString) -> Checked {
    let strange = |c: char| c.is_control() || c.is_whitespace() || c == ':';
    if !secret.expose_secret().is_empty() && !secret.expose_secret().contains(strange) {
        return Ok(());
    }
    let reason = "a secret is not empty, and has no space, colon or control character";
    Err(TenantError::Secret { setting: setting.clone(), reason })
}

fn lasting(setting: &Setting, duration: Duration, least: Duration) -> Checked {
    if (least..=MAX_DURATION).contains(&duration) {
        return Ok(());
    }
    Err(refused(setting, format!("{duration:?}"), format!("it is {least:?} at least and ten years at most")))
}

fn refused(setting: &Setting, value: String, reason: impl Into<String>) -> TenantError {
    TenantError::Value { setting: setting.clone(), value, reason: reason.into() }
}

fn quoted(setting: &Setting, text: &str, reason: impl Into<String>) -> TenantError {
    refused(setting, format!("{text:?}"), reason)
}

fn missing(setting: &Setting, reason: &str) -> TenantError {
    TenantError::Missing { setting: setting.clone(), reason: reason.to_owned() }
}
