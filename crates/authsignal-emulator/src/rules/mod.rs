//! Rules, as plain functions: no clock, no store, no I/O.
pub(crate) mod condition;
pub(crate) mod facts;
pub(crate) mod network;
#[cfg(test)]
mod tests;

use authsignal_client::VerificationMethod;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::lifecycle::Outcome;
use crate::rules::condition::{Condition, When};
use crate::rules::facts::{Known, Variable};

/// What a tenant has decided for attempts of which certain things are true.
///
/// The active rules of an action are asked in the order of their priority. The first that matches decides instead of
/// the action's own outcome; the others that match are told along with it (docs, "Rules").
///
/// # Variables
///
/// | variable | what it is |
/// |---|---|
/// | `ip.address` | the address that `track` told |
/// | `ip.countryCode`, `ip.isAnonymous`, `ip.countryCodeInOfacList`, `ip.impossibleTravel`, `ip.atypicalTravel` | what the [`Network`](crate::Network) of the address says; outside all of them no country, and nothing is true |
/// | `device.id` | the device that `track` told |
/// | `device.isNew`, `device.isRemembered` | whether the user has not been seen on it before; whether it was to be remembered |
/// | `device.isBot` | whether the user agent calls itself a program |
/// | `user.id`, `user.email`, `user.isEnrolled`, `user.hasPreviouslyVerified` | the user, and whether they ever passed a challenge |
/// | `custom.<name>` | a data point of the action, else of the user: text, number, truth or a list of texts |
///
/// `ip.address`, `device.id`, `user.id`, `user.email` and `user.isEnrolled` are the emulator's own; the service's rules
/// have the others. How the service tells a bot, and what it does about a variable that isn't known, are assumptions.
///
/// # Examples
///
/// ```
/// use authsignal_client::VerificationMethod;
/// use authsignal_emulator::{ActionSettings, Condition, Facts, Outcome, Rule, Tenant, When};
///
/// let tenant = Tenant::new()
///     .action("withdrawal", ActionSettings::new().outcome(Outcome::Allow))
///     .rule(
///         Rule::new("Sanctions").on("withdrawal").when("ip.countryCodeInOfacList", Condition::eq(true))
///             .outcome(Outcome::Block),
///     )
///     .rule(
///         Rule::new("Big or strange").on("withdrawal").outcome(Outcome::Challenge)
///             .any([
///                 When::new("custom.amount", Condition::gt(1000)),
///                 When::new("device.isNew", Condition::eq(true)).and("user.isEnrolled", Condition::eq(true)),
///             ])
///             .methods([VerificationMethod::Passkey]),
///     );
/// tenant.check()?;
///
/// let small = tenant.decide("withdrawal", &Facts::new("ada").custom("amount", 10));
/// assert_eq!(small.outcome, Outcome::Allow);
/// let big = tenant.decide("withdrawal", &Facts::new("ada").custom("amount", 1500));
/// assert_eq!(big.outcome, Outcome::Challenge);
/// assert_eq!(big.methods, [VerificationMethod::Passkey]);
/// assert_eq!(big.priority_rule().unwrap().name, "Big or strange");
/// # Ok::<(), authsignal_emulator::TenantError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "does nothing until a tenant is given it"]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) priority: Option<u8>,
    pub(crate) active: bool,
    pub(crate) outcome: Outcome,
    pub(crate) when: When,
    pub(crate) any: Vec<When>,
    pub(crate) methods: Vec<VerificationMethod>,
    pub(crate) default_method: Option<VerificationMethod>,
    pub(crate) prompt_to_enroll: Vec<VerificationMethod>,
    pub(crate) metadata: Map<String, Value>,
}

impl Rule {
    /// A rule that always matches, for no action yet, with a random id.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name: name.into(),
            description: None,
            actions: Vec::new(),
            priority: None,
            active: true,
            outcome: Outcome::default(),
            when: When::default(),
            any: Vec::new(),
            methods: Vec::new(),
            default_method: None,
            prompt_to_enroll: Vec::new(),
            metadata: Map::new(),
        }
    }

    /// Its id, a UUID, by which answers name it. Default: a random one.
    pub fn id(mut self, uuid: impl Into<String>) -> Self {
        self.id = uuid.into();
        self
    }

    /// What it is for. Default: none.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Has it apply to an action, by its code; it can apply to several. Default: none, which is refused.
    pub fn on(mut self, action: impl Into<String>) -> Self {
        self.actions.push(action.into());
        self
    }

    /// When it is asked, from 0 (first) to 99; two rules of one action cannot share a number. Default: after all that
    /// have a number, in the order in which the tenant was given them.
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Whether it is asked at all. Default: yes.
    pub fn active(mut self, yes: bool) -> Self {
        self.active = yes;
        self
    }

    /// What it decides. Default: [`Outcome::Challenge`].
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Adds a condition on a variable, which has to hold. Default: none.
    pub fn when(mut self, variable: impl Into<String>, condition: Condition) -> Self {
        self.when = self.when.and(variable, condition);
        self
    }

    /// Adds alternatives: of all that were given, at least one has to hold. Default: none, and none has to.
    pub fn any(mut self, alternatives: impl IntoIterator<Item = When>) -> Self {
        self.any.extend(alternatives);
        self
    }

    /// By what the user may prove themselves when it decides. Default: what the action says.
    pub fn methods(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The method that is shown first when it decides. Default: what the action says.
    pub fn default_method(mut self, method: VerificationMethod) -> Self {
        self.default_method = Some(method);
        self
    }

    /// The methods that the user is asked to enrol after the challenge when it decides. Default: what the action says.
    pub fn prompt_to_enroll(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.prompt_to_enroll = methods.into_iter().collect();
        self
    }

    /// Adds something that answers tell along with it. Default: none.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    fn applies_to(&self, action: &str) -> bool {
        self.active && self.actions.iter().any(|code| code == action)
    }

    fn matches(&self, known: &Known<'_>) -> bool {
        self.when.holds(known) && (self.any.is_empty() || self.any.iter().any(|when| when.holds(known)))
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        self.when.variables().chain(self.any.iter().flat_map(When::variables))
    }
}

/// A rule that matched, as it is told in answers and logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleMatch {
    /// Its id.
    #[serde(rename = "ruleId")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the tenant keeps with it.
    pub metadata: Map<String, Value>,
}

/// What a tenant decides about an attempt; from [`Tenant::decide`](crate::Tenant::decide).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// What the attempt begins with.
    pub outcome: Outcome,
    /// All rules that matched, the one that decided first.
    pub matched: Vec<RuleMatch>,
    /// By what the user may prove themselves. Recovery codes are among them only where they were listed.
    pub methods: Vec<VerificationMethod>,
    /// The one of `methods` that is shown first, where one was chosen.
    pub default_method: Option<VerificationMethod>,
    /// What the user is asked to enrol after the challenge.
    pub prompt_to_enroll: Vec<VerificationMethod>,
    /// What the rules looked at, by variable, so far as it was known.
    pub output: Map<String, Value>,
}

impl Decision {
    /// The rule that decided; none when it was the action's own outcome.
    #[must_use]
    pub fn priority_rule(&self) -> Option<&RuleMatch> {
        self.matched.first()
    }
}

/// What an action says itself, where no rule says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) methods: &'a [VerificationMethod],
    pub(crate) default_method: Option<&'a VerificationMethod>,
    pub(crate) prompt_to_enroll: &'a [VerificationMethod],
}

/// Decides about an attempt at `action`.
pub(crate) fn decide(rules: &[Rule], action: &str, base: Base<'_>, known: &Known<'_>) -> Decision {
    let mut asked: Vec<&Rule> = rules.iter().filter(|rule| rule.applies_to(action)).collect();
    // Stable: those without a number stay in their order, behind all that have one.
    asked.sort_by_key(|rule| (rule.priority.is_none(), rule.priority));
    let output = asked.iter().flat_map(|rule| rule.variables()).filter_map(|name| {
        let value = known.value(Variable::named(name)?.0)?;
        Some((name.to_owned(), value))
    });
    let output = output.collect();
    let matched: Vec<&Rule> = asked.into_iter().filter(|rule| rule.matches(known)).collect();
    let first = matched.first();

    fn or<'a, T>(rule: Option<&'a [T]>, base: &'a [T]) -> &'a [T] {
        rule.filter(|list| !list.is_empty()).unwrap_or(base)
    }
    let methods = or(first.map(|rule| &rule.methods[..]), base.methods);
    let mut defaults = first.and_then(|rule| rule.default_method.as_ref()).into_iter().chain(base.default_method);
    Decision {
        outcome: first.map_or(base.outcome, |rule| rule.outcome),
        methods: methods.to_vec(),
        default_method: defaults.find(|method| methods.contains(method)).cloned(),
        prompt_to_enroll: or(first.map(|rule| &rule.prompt_to_enroll[..]), base.prompt_to_enroll).to_vec(),
        matched: matched.iter().map(|rule| RuleMatch::from(*rule)).collect(),
        output,
    }
}

impl From<&Rule> for RuleMatch {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            description: rule.description.clone(),
            metadata: rule.metadata.clone(),
        }
    }
}
