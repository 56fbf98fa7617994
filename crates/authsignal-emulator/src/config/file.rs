//! The form of the file. What its values mean is `convert.rs`, and what cannot work together `Tenant::check`.
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use authsignal_client::VerificationMethod;
use jiff::{Span, SpanRelativeTo};
use secrecy::SecretString;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::lifecycle::Outcome;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) server: Section<ServerTable>,
    pub(super) tenant: Section<TenantTable>,
    pub(super) webhooks: Section<WebhooksTable>,
    pub(super) limits: Section<LimitsTable>,
    pub(super) actions: BTreeMap<String, Section<ActionTable>>,
    pub(super) rules: Vec<Section<RuleTable>>,
    pub(super) app_clients: Vec<Section<AppClientTable>>,
    pub(super) networks: Vec<Section<NetworkTable>>,
    pub(super) users: Vec<Section<UserTable>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerTable {
    pub(super) port: Option<Whole>,
    pub(super) secret: Option<Secret>,
    pub(super) control_key: Option<Secret>,
    pub(super) open_control: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TenantTable {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) default_outcome: Option<OutcomeWord>,
    pub(super) methods: Option<Vec<VerificationMethod>>,
    pub(super) verification_code_length: Option<Whole>,
    pub(super) code_ttl: Option<TimeSpan>,
    pub(super) token_ttl: Option<TimeSpan>,
    pub(super) recovery_codes: Option<bool>,
    pub(super) locale: Option<String>,
    pub(super) custom_domains: Option<Vec<String>>,
    pub(super) relying_party_id: Option<String>,
    pub(super) second_secret: Option<Secret>,
    pub(super) authenticator_not_found: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WebhooksTable {
    pub(super) url: Option<String>,
    pub(super) log_url: Option<String>,
    pub(super) timeout: Option<TimeSpan>,
    pub(super) dangerous_allow_http_to: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub(super) enabled: Option<bool>,
    pub(super) send_window: Option<TimeSpan>,
    pub(super) email_otp: Option<Whole>,
    pub(super) email_magic_link: Option<Whole>,
    pub(super) sms: Option<Whole>,
    pub(super) whatsapp: Option<Whole>,
    pub(super) verify_window: Option<TimeSpan>,
    pub(super) verify: Option<Whole>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ActionTable {
    pub(super) outcome: Option<OutcomeWord>,
    pub(super) methods: Vec<VerificationMethod>,
    pub(super) default_method: Option<VerificationMethod>,
    pub(super) prompt_to_enroll: Vec<VerificationMethod>,
    pub(super) verification_webhook_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleTable {
    pub(super) name: String,
    pub(super) actions: Vec<String>,
    pub(super) id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) priority: Option<Whole>,
    pub(super) active: Option<bool>,
    pub(super) outcome: Option<OutcomeWord>,
    #[serde(default)]
    pub(super) when: ConditionsTable,
    #[serde(default)]
    pub(super) any: Vec<ConditionsTable>,
    #[serde(default)]
    pub(super) methods: Vec<VerificationMethod>,
    pub(super) default_method: Option<VerificationMethod>,
    #[serde(default)]
    pub(super) prompt_to_enroll: Vec<VerificationMethod>,
    #[serde(default)]
    pub(super) metadata: toml::Table,
}

/// By variable, either a table of operators or the value that it has to be.
pub(super) type ConditionsTable = BTreeMap<String, toml::Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppClientTable {
    pub(super) id: String,
    pub(super) access_ttl: Option<TimeSpan>,
    pub(super) refresh_ttl: Option<TimeSpan>,
    #[serde(default)]
    pub(super) claims: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    pub(super) cidr: String,
    pub(super) country_code: Option<String>,
    #[serde(default)]
    pub(super) is_anonymous: bool,
    #[serde(default)]
    pub(super) in_ofac_list: bool,
    #[serde(default)]
    pub(super) impossible_travel: bool,
    #[serde(default)]
    pub(super) atypical_travel: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserTable {
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) username: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) locale: Option<String>,
    #[serde(default)]
    pub(super) custom: toml::Table,
    #[serde(default)]
    pub(super) methods: Vec<VerificationMethod>,
    pub(super) default_method: Option<VerificationMethod>,
    pub(super) otp_secret: Option<Secret>,
}

/// A table with names. Without this, serde takes a list of the values for one too.
#[derive(Default)]
pub(super) struct Section<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Section<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Section)
    }
}

/// A number, of whatever size: which ones make sense is not for the form to say.
#[derive(Clone, Copy)]
pub(super) struct Whole(pub(super) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(number) => Ok(Self(number)),
            other => Err(de::Error::custom(format!("invalid type: {}, expected a whole number", other.type_str()))),
        }
    }
}

/// An outcome in the service's spelling.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct OutcomeWord(pub(super) Outcome);

impl TryFrom<String> for OutcomeWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "ALLOW" => Ok(Self(Outcome::Allow)),
            "CHALLENGE" => Ok(Self(Outcome::Challenge)),
            "REVIEW" => Ok(Self(Outcome::Review)),
            "BLOCK" => Ok(Self(Outcome::Block)),
            _ => Err(format!("unknown outcome {word:?}; one of ALLOW, CHALLENGE, REVIEW, BLOCK")),
        }
    }
}

/// A length of time as people write it; a day has 24 hours.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct TimeSpan(pub(super) Duration);

impl TryFrom<String> for TimeSpan {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span = text.parse::<Span>().ok();
        let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let length = length.and_then(|length| Duration::try_from(length).ok());
        length.map(Self).ok_or_else(|| {
            format!("invalid duration {text:?}: one is written as \"10s\", \"10m\", \"1h 30m\" or \"30d\"")
        })
    }
}

/// A text that no error shows.
pub(super) struct Secret(pub(super) SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text.into())),
            _ => Err(de::Error::custom("a text in quotes is asked for")),
        }
    }
}
