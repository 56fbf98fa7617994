//! What the values of the file mean.
use secrecy::SecretString;
use serde_json::Value;

use crate::config::Config;
use crate::config::error::Mistake;
use crate::config::file::{
    ActionTable, AppClientTable, ConditionsTable, File, LimitsTable, NetworkTable, RuleTable, Section, TenantTable,
    TimeSpan, UserTable, WebhooksTable, Whole,
};
use crate::http::control_key::ControlKey;
use crate::rules::Rule;
use crate::rules::condition::{Condition, OPERATORS, Operator, When};
use crate::rules::network::Network;
use crate::tenant::Tenant;
use crate::tenant::action::ActionSettings;
use crate::tenant::check::secret as check_secret;
use crate::tenant::error::TenantError;
use crate::tenant::limits::Limits;
use crate::tenant::person::NewUser;
use crate::tenant::session::AppClient;
use crate::tenant::setting::Setting;

impl Config {
    /// Takes a file that has the right form, if what it says can work.
    pub(super) fn from_file_form(file: File) -> Result<Self, Mistake> {
        let mut tenant = Tenant::new();
        tenant.set(file.tenant.0)?;
        tenant.set_webhooks(file.webhooks.0);
        tenant.limits = limits(&Setting::top("limits"), &file.limits.0)?;
        tenant.actions = file.actions.into_iter().map(|(code, Section(action))| (code, action.into())).collect();
        for (at, Section(table)) in file.rules.into_iter().enumerate() {
            tenant.rules.push(rule(&Setting::top("rules").index(at), table)?);
        }
        tenant.app_clients = file.app_clients.into_iter().map(|Section(client)| client.into()).collect();
        tenant.networks = file.networks.into_iter().map(|Section(network)| network.into()).collect();
        tenant.users = file.users.into_iter().map(|Section(user)| user.into()).collect();
        tenant.check()?;

        let server = Setting::top("server");
        let Section(table) = file.server;
        let port = table.port.map(|port| number(&server.key("port"), port, "a port is 0 to 65535")).transpose()?;
        let secret = table.secret.map(|secret| secret.0);
        if let Some(secret) = &secret {
            check_secret(&server.key("secret"), secret)?;
        }
        let control_key = table.control_key.map(|key| key.0);
        let open_control = table.open_control.unwrap_or_default();
        let setting = server.key("control_key");
        let refuse = |reason| Err(TenantError::Secret { setting, reason }.into());
        match control_key.clone().map(ControlKey::new) {
            Some(Err(_)) => return refuse("a control key is not empty, and has visible ASCII characters alone"),
            Some(Ok(_)) if open_control => return refuse("open_control asks for none: only one of the two can be"),
            _ => {}
        }
        Ok(Self { tenant, port, secret, control_key, open_control })
    }
}

impl Tenant {
    fn set(&mut self, table: TenantTable) -> Result<(), Mistake> {
        self.id = table.id;
        set(&mut self.name, table.name);
        set(&mut self.default_outcome, table.default_outcome.map(|word| word.0));
        set(&mut self.methods, table.methods);
        if let Some(length) = table.verification_code_length {
            let setting = Setting::top("tenant").key("verification_code_length");
            self.verification_code_length = number(&setting, length, "a code has 2 to 10 digits")?;
        }
        set(&mut self.code_ttl, table.code_ttl.map(|TimeSpan(ttl)| ttl));
        set(&mut self.token_ttl, table.token_ttl.map(|TimeSpan(ttl)| ttl));
        set(&mut self.recovery_codes, table.recovery_codes);
        set(&mut self.locale, table.locale);
        set(&mut self.custom_domains, table.custom_domains);
        self.relying_party_id = table.relying_party_id;
        self.second_secret = table.second_secret.map(|secret| secret.0);
        set(&mut self.authenticator_not_found, table.authenticator_not_found);
        Ok(())
    }

    fn set_webhooks(&mut self, table: WebhooksTable) {
        self.webhook_url = table.url;
        self.webhook_log_url = table.log_url;
        self.webhook_http_host = table.dangerous_allow_http_to;
        set(&mut self.webhook_timeout, table.timeout.map(|TimeSpan(ttl)| ttl));
    }
}

fn limits(setting: &Setting, table: &LimitsTable) -> Result<Limits, Mistake> {
    let mut limits = Limits::new();
    set(&mut limits.enabled, table.enabled);
    set(&mut limits.send_window, table.send_window.map(|TimeSpan(ttl)| ttl));
    set(&mut limits.verify_window, table.verify_window.map(|TimeSpan(ttl)| ttl));
    for (key, limit, times) in [
        ("email_otp", &mut limits.email_otp, table.email_otp),
        ("email_magic_link", &mut limits.email_magic_link, table.email_magic_link),
        ("sms", &mut limits.sms, table.sms),
        ("whatsapp", &mut limits.whatsapp, table.whatsapp),
        ("verify", &mut limits.verify, table.verify),
    ] {
        if let Some(times) = times {
            *limit = number(&setting.key(key), times, "a number from 0 on is asked for")?;
        }
    }
    Ok(limits)
}

impl From<ActionTable> for ActionSettings {
    fn from(table: ActionTable) -> Self {
        Self {
            outcome: table.outcome.map(|word| word.0),
            methods: table.methods,
            default_method: table.default_method,
            prompt_to_enroll: table.prompt_to_enroll,
            verification_webhook_url: table.verification_webhook_url,
        }
    }
}

fn rule(setting: &Setting, table: RuleTable) -> Result<Rule, Mistake> {
    let mut rule = Rule::new(table.name);
    set(&mut rule.id, table.id);
    rule.description = table.description;
    rule.actions = table.actions;
    if let Some(priority) = table.priority {
        rule.priority = Some(number(&setting.key("priority"), priority, "a priority is 0 to 99")?);
    }
    set(&mut rule.active, table.active);
    set(&mut rule.outcome, table.outcome.map(|word| word.0));
    rule.when = when(&setting.key("when"), table.when)?;
    for (at, alternative) in table.any.into_iter().enumerate() {
        rule.any.push(when(&setting.key("any").index(at), alternative)?);
    }
    rule.methods = table.methods;
    rule.default_method = table.default_method;
    rule.prompt_to_enroll = table.prompt_to_enroll;
    rule.metadata = members(table.metadata);
    Ok(rule)
}

fn when(setting: &Setting, table: ConditionsTable) -> Result<When, Mistake> {
    let mut when = When::default();
    for (key, value) in table {
        match value {
            // `custom.amount` without quotes is a table in a table.
            toml::Value::Table(names) if matches!(key.as_str(), "ip" | "device" | "user" | "custom") => {
                when.0.extend(filled(&setting.key(&key), names, |name, value| {
                    comparisons(setting, format!("{key}.{name}"), value)
                })?);
            }
            value => when.0.extend(comparisons(setting, key, value)?),
        }
    }
    Ok(when)
}

/// What is asked of one variable: to be a value, or all that a table of operators says.
fn comparisons(setting: &Setting, variable: String, value: toml::Value) -> Result<Vec<(String, Condition)>, Mistake> {
    let toml::Value::Table(operators) = value else {
        return Ok(vec![(variable, Condition::eq(json(value)))]);
    };
    let setting = setting.variable(&variable);
    filled(&setting, operators, |name, operand| match Operator::named(&name) {
        Some(operator) => Ok(vec![(variable.clone(), Condition::new(operator, json(operand)))]),
        None => {
            let known = OPERATORS.map(|known| known.0).join(", ");
            Err(Mistake::new(setting.key(&name), format!("unknown operator {name:?}; one of {known}")))
        }
    })
}

/// All that the members of a table give, of which there is one at least: no condition is one that always holds.
fn filled<T>(
    setting: &Setting,
    table: toml::Table,
    read: impl Fn(String, toml::Value) -> Result<Vec<T>, Mistake>,
) -> Result<Vec<T>, Mistake> {
    if table.is_empty() {
        return Err(Mistake::new(setting.clone(), "a comparison is asked for, such as { gt = 1000 }".to_owned()));
    }
    let read: Result<Vec<_>, _> = table.into_iter().map(|(name, value)| read(name, value)).collect();
    Ok(read?.into_iter().flatten().collect())
}

impl From<AppClientTable> for AppClient {
    fn from(table: AppClientTable) -> Self {
        let mut client = Self::new(table.id);
        set(&mut client.access_ttl, table.access_ttl.map(|TimeSpan(ttl)| ttl));
        set(&mut client.refresh_ttl, table.refresh_ttl.map(|TimeSpan(ttl)| ttl));
        client.claims = members(table.claims);
        client
    }
}

impl From<NetworkTable> for Network {
    fn from(table: NetworkTable) -> Self {
        Self {
            cidr: table.cidr,
            country_code: table.country_code,
            is_anonymous: table.is_anonymous,
            in_ofac_list: table.in_ofac_list,
            impossible_travel: table.impossible_travel,
            atypical_travel: table.atypical_travel,
        }
    }
}

impl From<UserTable> for NewUser {
    fn from(table: UserTable) -> Self {
        Self {
            id: table.id,
            email: table.email,
            phone_number: table.phone_number,
            username: table.username,
            display_name: table.display_name,
            locale: table.locale,
            custom: members(table.custom),
            methods: table.methods,
            default_method: table.default_method,
            otp_secret: table.otp_secret.map(|secret| -> SecretString { secret.0 }),
        }
    }
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// A number that its setting has room for.
fn number<T: TryFrom<i64>>(setting: &Setting, Whole(number): Whole, expected: &str) -> Result<T, Mistake> {
    T::try_from(number).map_err(|_| Mistake::new(setting.clone(), format!("invalid value {number}: {expected}")))
}

fn members(table: toml::Table) -> serde_json::Map<String, Value> {
    table.into_iter().map(|(name, value)| (name, json(value))).collect()
}

/// As JSON; a date is the text that it was written as, and a number that isn't finite is null.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => members(table).into(),
    }
}
