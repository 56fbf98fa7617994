//! What a rule can look at.
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::rules::network::Network;

/// What a built-in variable is about, and so what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    /// An IP address, which is compared with addresses and networks.
    Address,
    Text,
    Boolean,
    /// Whatever the application sent.
    Any,
}

/// Something that a rule can look at, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable<'a> {
    IpAddress,
    IpIsAnonymous,
    IpCountryCode,
    IpCountryCodeInOfacList,
    IpImpossibleTravel,
    IpAtypicalTravel,
    DeviceId,
    DeviceIsNew,
    DeviceIsBot,
    DeviceIsRemembered,
    UserId,
    UserIsEnrolled,
    UserHasPreviouslyVerified,
    UserEmail,
    Custom(&'a str),
}

/// The names as the service's rules have them (docs, "Rules"), and with `ip.address`, `device.id`, `user.id`,
/// `user.isEnrolled` and `user.email` some that are the emulator's own.
pub(crate) const VARIABLES: [(&str, Variable<'static>, ValueType); 14] = [
    ("ip.address", Variable::IpAddress, ValueType::Address),
    ("ip.isAnonymous", Variable::IpIsAnonymous, ValueType::Boolean),
    ("ip.countryCode", Variable::IpCountryCode, ValueType::Text),
    ("ip.countryCodeInOfacList", Variable::IpCountryCodeInOfacList, ValueType::Boolean),
    ("ip.impossibleTravel", Variable::IpImpossibleTravel, ValueType::Boolean),
    ("ip.atypicalTravel", Variable::IpAtypicalTravel, ValueType::Boolean),
    ("device.id", Variable::DeviceId, ValueType::Text),
    ("device.isNew", Variable::DeviceIsNew, ValueType::Boolean),
    ("device.isBot", Variable::DeviceIsBot, ValueType::Boolean),
    ("device.isRemembered", Variable::DeviceIsRemembered, ValueType::Boolean),
    ("user.id", Variable::UserId, ValueType::Text),
    ("user.isEnrolled", Variable::UserIsEnrolled, ValueType::Boolean),
    ("user.hasPreviouslyVerified", Variable::UserHasPreviouslyVerified, ValueType::Boolean),
    ("user.email", Variable::UserEmail, ValueType::Text),
];

impl<'a> Variable<'a> {
    pub(crate) fn named(name: &'a str) -> Option<(Self, ValueType)> {
        match name.strip_prefix("custom.") {
            Some("") => None,
            Some(data_point) => Some((Variable::Custom(data_point), ValueType::Any)),
            None => VARIABLES.iter().find(|known| known.0 == name).map(|&(_, variable, kind)| (variable, kind)),
        }
    }
}

/// What is known about one attempt at an action when the rules are asked.
///
/// What nobody told is unknown, and a condition on it doesn't hold (see [`Condition`](crate::Condition)).
///
/// # Examples
///
/// ```
/// use authsignal_emulator::Facts;
///
/// let facts = Facts::new("ada")
///     .enrolled(true)
///     .ip_address("203.0.113.7")
///     .device("a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d")
///     .device_is_new(true)
///     .custom("amount", 1500);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "does nothing until a tenant decides about it"]
pub struct Facts {
    pub(crate) user_id: String,
    pub(crate) email: Option<String>,
    pub(crate) enrolled: bool,
    pub(crate) has_previously_verified: bool,
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) device_is_new: bool,
    pub(crate) device_is_remembered: bool,
    pub(crate) custom: Map<String, Value>,
    pub(crate) user_custom: Map<String, Value>,
}

impl Facts {
    /// An attempt of this user, about whom nothing else is known.
    pub fn new(user_id: impl Into<String>) -> Self {
        Self { user_id: user_id.into(), ..Self::default() }
    }

    /// The user's e-mail address. Default: none.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Whether the user has a verification method. Default: no.
    pub fn enrolled(mut self, yes: bool) -> Self {
        self.enrolled = yes;
        self
    }

    /// Whether the user has ever passed a challenge. Default: no.
    pub fn has_previously_verified(mut self, yes: bool) -> Self {
        self.has_previously_verified = yes;
        self
    }

    /// The end user's IP address. Default: unknown, and so is all that depends on it.
    pub fn ip_address(mut self, address: impl Into<String>) -> Self {
        self.ip_address = Some(address.into());
        self
    }

    /// The end user's browser, which says whether it is a bot. Default: unknown.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// The end user's device, one that is known and not remembered. Default: unknown.
    pub fn device(mut self, id: impl Into<String>) -> Self {
        self.device_id = Some(id.into());
        self
    }

    /// Whether the user is seen on this device for the first time. Default: no.
    pub fn device_is_new(mut self, yes: bool) -> Self {
        self.device_is_new = yes;
        self
    }

    /// Whether the device was to be remembered, and still is. Default: no.
    pub fn device_is_remembered(mut self, yes: bool) -> Self {
        self.device_is_remembered = yes;
        self
    }

    /// A data point of the action. Default: none.
    pub fn custom(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.custom.insert(name.into(), value.into());
        self
    }

    /// A data point of the user, where the action has none of that name. Default: none.
    pub fn user_custom(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.user_custom.insert(name.into(), value.into());
        self
    }
}

/// An attempt, and where on the net it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) network: Option<&'a Network>,
}

impl Known<'_> {
    /// What a variable stands for, if that is known.
    ///
    /// An address outside all listed networks is nothing that they can be; without an address nothing is known of it.
    pub(crate) fn value(&self, variable: Variable<'_>) -> Option<Value> {
        let Self { facts, network } = self;
        let of_network = |is: fn(&Network) -> bool| facts.ip_address.as_ref().map(|_| network.is_some_and(is).into());
        let of_device = |is: bool| facts.device_id.as_ref().map(|_| is.into());
        let text = |text: &Option<String>| text.clone().map(Value::from);
        match variable {
            Variable::IpAddress => text(&facts.ip_address),
            Variable::IpIsAnonymous => of_network(|network| network.is_anonymous),
            Variable::IpCountryCode => text(&network.as_ref()?.country_code),
            Variable::IpCountryCodeInOfacList => of_network(|network| network.in_ofac_list),
            Variable::IpImpossibleTravel => of_network(|network| network.impossible_travel),
            Variable::IpAtypicalTravel => of_network(|network| network.atypical_travel),
            Variable::DeviceId => text(&facts.device_id),
            Variable::DeviceIsNew => of_device(facts.device_is_new),
            Variable::DeviceIsBot => facts.user_agent.as_deref().map(|agent| is_bot(agent).into()),
            Variable::DeviceIsRemembered => of_device(facts.device_is_remembered),
            Variable::UserId => Some(facts.user_id.clone().into()),
            Variable::UserIsEnrolled => Some(facts.enrolled.into()),
            Variable::UserHasPreviouslyVerified => Some(facts.has_previously_verified.into()),
            Variable::UserEmail => text(&facts.email),
            Variable::Custom(name) => {
                let set = |data: &Map<String, Value>| data.get(name).filter(|value| !value.is_null()).cloned();
                set(&facts.custom).or_else(|| set(&facts.user_custom))
            }
        }
    }
}

/// An address as it is compared: IPv4 is IPv4, also where it is written as IPv6.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Words that stand in the user agents of programs and not in those of browsers that people use.
const BOT_WORDS: [&str; 18] = [
    "bot",
    "crawl",
    "curl/",
    "externalhit",
    "go-http-client",
    "headless",
    "httpclient",
    "lighthouse",
    "phantomjs",
    "python-",
    "scrapy",
    "selenium",
    "slurp",
    "spider",
    "libwww",
    "java/",
    "node-fetch",
    "wget/",
];

/// Whether a user agent calls itself a program. An assumption: how the service tells is not documented.
fn is_bot(user_agent: &str) -> bool {
    // A maker of telephones has the word in its name.
    let user_agent = user_agent.to_ascii_lowercase().replace("cubot", "");
    user_agent.trim().is_empty() || BOT_WORDS.iter().any(|word| user_agent.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_only_they() {
        for (name, variable, kind) in VARIABLES {
            assert_eq!(Variable::named(name), Some((variable, kind)));
        }
        assert_eq!(Variable::named("custom.a.b"), Some((Variable::Custom("a.b"), ValueType::Any)));
        for name in ["", "ip", "ip.Address", "ip.address ", "custom", "custom.", "Custom.a", "device.isnew"] {
            assert_eq!(Variable::named(name), None, "{name:?}");
        }
    }

    #[test]
    fn what_is_not_told_is_not_known() {
        let nothing = Facts::new("ada");
        let known = Known { facts: &nothing, network: None };
        let told: Vec<_> = VARIABLES.iter().filter(|known_as| known.value(known_as.1).is_some()).map(|v| v.0).collect();
        assert_eq!(told, ["user.id", "user.isEnrolled", "user.hasPreviouslyVerified"]);
        assert_eq!(known.value(Variable::Custom("amount")), None);
    }

    #[test]
    fn each_variable_has_its_own_fact() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let dull = || Facts::new("ada").ip_address("203.0.113.7").device("d").user_agent(agent);
        let network = || Network::new("203.0.113.0/24");
        let table: [(&str, Facts, Network, Value); 14] = [
            ("ip.address", dull(), network(), "203.0.113.7".into()),
            ("ip.isAnonymous", dull(), network().is_anonymous(true), true.into()),
            ("ip.countryCode", dull(), network().country_code("NZ"), "NZ".into()),
            ("ip.countryCodeInOfacList", dull(), network().in_ofac_list(true), true.into()),
            ("ip.impossibleTravel", dull(), network().impossible_travel(true), true.into()),
            ("ip.atypicalTravel", dull(), network().atypical_travel(true), true.into()),
            ("device.id", dull(), network(), "d".into()),
            ("device.isNew", dull().device_is_new(true), network(), true.into()),
            ("device.isBot", dull().user_agent("curl/8.5.0"), network(), true.into()),
            ("device.isRemembered", dull().device_is_remembered(true), network(), true.into()),
            ("user.id", dull(), network(), "ada".into()),
            ("user.isEnrolled", dull().enrolled(true), network(), true.into()),
            ("user.hasPreviouslyVerified", dull().has_previously_verified(true), network(), true.into()),
            ("user.email", dull().email("ada@example.com"), network(), "ada@example.com".into()),
        ];
        let quiet = dull();
        for (told, facts, network, expected) in table {
            let known = Known { facts: &facts, network: Some(&network) };
            for (name, variable, kind) in VARIABLES {
                let value = known.value(variable);
                if name == told {
                    assert_eq!(value.as_ref(), Some(&expected), "{name}");
                } else if kind == ValueType::Boolean {
                    assert_eq!(value, Some(false.into()), "{name}, when {told} is told");
                }
            }
            // Without the network there is nothing but the address.
            let known = Known { facts: &quiet, network: None };
            assert_eq!(known.value(Variable::IpIsAnonymous), Some(false.into()));
            assert_eq!(known.value(Variable::IpCountryCode), None);
        }
    }

    #[test]
    fn data_points_of_the_action_come_before_those_of_the_user() {
        let facts = Facts::new("ada").custom("tier", "gold").custom("gone", Value::Null);
        let facts = facts.user_custom("tier", "silver").user_custom("age", 36).user_custom("gone", "kept");
        let known = Known { facts: &facts, network: None };
        for (name, expected) in
            [("tier", Some("gold".into())), ("age", Some(36.into())), ("gone", Some("kept".into())), ("x", None)]
        {
            assert_eq!(known.value(Variable::Custom(name)), expected, "{name}");
        }
    }

    #[test]
    fn bots() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        for (agent, bot) in [
            (chrome, false),
            (
                "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36",
                false,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari",
                false,
            ),
            ("okhttp/4.12.0", false),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true),
            ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", true),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0", true),
            ("curl/8.5.0", true),
            ("python-requests/2.32", true),
            ("Go-http-client/2.0", true),
            ("", true),
        ] {
            assert_eq!(is_bot(agent), bot, "{agent:?}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("::ffff:203.0.113.7"), address("203.0.113.7"));
        for text in ["", "203.0.113", "203.0.113.0/24", "example.com", "203.0.113.7:80"] {
            assert_eq!(address(text), None, "{text:?}");
        }
    }
}
