//! What is known of the addresses of a network.
/// What is known of the addresses of a network, for rules.
///
/// # Examples
///
/// ```
/// use authsignal_emulator::{Condition, Facts, Network, Outcome, Rule, Tenant};
///
/// let tenant = Tenant::new()
///     .network(Network::new("203.0.113.0/24").country_code("NZ"))
///     .network(Network::new("203.0.113.7").country_code("NZ").is_anonymous(true))
///     .rule(Rule::new("Hidden").on("pay").when("ip.isAnonymous", Condition::eq(true)).outcome(Outcome::Block));
/// let from = |address| tenant.decide("pay", &Facts::new("ada").ip_address(address)).outcome;
/// assert_eq!([from("203.0.113.7"), from("203.0.113.8")], [Outcome::Block, Outcome::Challenge]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "does nothing until a tenant is given it"]
pub struct Network {
    pub(crate) cidr: String,
    pub(crate) country_code: Option<String>,
    pub(crate) is_anonymous: bool,
    pub(crate) in_ofac_list: bool,
    pub(crate) impossible_travel: bool,
    pub(crate) atypical_travel: bool,
}

impl Network {
    /// A network in CIDR notation (`203.0.113.0/24`), or a single address. Of an address in several, the smallest
    /// network speaks.
    pub fn new(cidr: impl Into<String>) -> Self {
        Self {
            cidr: cidr.into(),
            country_code: None,
            is_anonymous: false,
            in_ofac_list: false,
            impossible_travel: false,
            atypical_travel: false,
        }
    }

    /// In which country it is, by ISO 3166-1 alpha-2 (`NZ`). Default: unknown.
    pub fn country_code(mut self, code: impl Into<String>) -> Self {
        self.country_code = Some(code.into());
        self
    }

    /// Whether it hides who is behind it (a proxy, Tor). Default: no.
    pub fn is_anonymous(mut self, yes: bool) -> Self {
        self.is_anonymous = yes;
        self
    }

    /// Whether its country is on the sanctions list of the OFAC. Default: no.
    pub fn in_ofac_list(mut self, yes: bool) -> Self {
        self.in_ofac_list = yes;
        self
    }

    /// Whether nobody could have come there in the time. The emulator doesn't work it out. Default: no.
    pub fn impossible_travel(mut self, yes: bool) -> Self {
        self.impossible_travel = yes;
        self
    }

    /// Whether it is unusual to be there. The emulator doesn't work it out. Default: no.
    pub fn atypical_travel(mut self, yes: bool) -> Self {
        self.atypical_travel = yes;
        self
    }
}
