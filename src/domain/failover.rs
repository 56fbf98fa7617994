//! PURE: what becomes of a request that no decision could be had for, by the kind of fault and the policy of its route.
pub(crate) mod budget;

/// The kind of fault that left a request without a decision.
///
/// Each means that the request is refused with 503, and but for [`Rejected`](Self::Rejected) a `Retry-After`, unless the
/// route says something else for the three kinds that no caller can bring about ([`OnOutage`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outage {
    /// Authsignal could not be reached: no connection was made, so that nothing was sent.
    Connect,
    /// Authsignal did not answer in time.
    Timeout,
    /// Authsignal answered with a fault of its own (5xx).
    Server,
    /// The connection was lost after something was sent. A caller can bring it about where something in between hangs up on a
    /// request that it does not like.
    Interrupted,
    /// Authsignal asked us to slow down (429).
    RateLimited,
    /// Authsignal refused the call: the API secret key, the region, or a value that we sent (4xx). It is for the people who
    /// run this to mend, and the answer does not say when to try again.
    Rejected,
    /// Authsignal's answer could not be read.
    Malformed,
    /// Too many calls are on their way to Authsignal already, so that it was not asked
    /// ([`max_upstream_calls`](crate::AuthsignalBuilder::max_upstream_calls)); or this process had no file or port left for a
    /// connection.
    Overloaded,
    /// The store of flows failed.
    Store,
}

impl Outage {
    /// A short name for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Interrupted => "interrupted",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::Malformed => "malformed",
            Self::Overloaded => "overloaded",
            Self::Store => "store",
        }
    }

    /// Whether it is the service's own, and nothing that a caller sends or does brings it about (threats T77 and T79). A new
    /// kind is none until it is written down here.
    pub(crate) fn is_upstreams_own(self) -> bool {
        match self {
            Self::Connect | Self::Timeout | Self::Server => true,
            Self::Interrupted
            | Self::RateLimited
            | Self::Rejected
            | Self::Malformed
            | Self::Overloaded
            | Self::Store => false,
        }
    }
}

/// What a route does with a request while Authsignal is out ([`Outage::Connect`], [`Outage::Timeout`],
/// [`Outage::Server`]). Under every other kind it is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnOutage {
    /// It is refused with 503. The default.
    #[default]
    Refuse,
    /// It passes undecided, within [`failover_budget`](crate::AuthsignalBuilder::failover_budget).
    Admit,
    /// The application's own proof is asked for: [`AuthsignalLayer::fallback`](crate::AuthsignalLayer::fallback) sets it.
    #[non_exhaustive]
    Fallback,
}

impl OnOutage {
    /// A short name for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Admit => "admit",
            Self::Fallback => "fallback",
        }
    }

    /// Whether an outer layer's failover is enough for a layer of this policy. A proof that the outer one asked for is more than
    /// an inner one wants that asks for none; whoever refuses, or asks for a proof of its own, takes nobody else's.
    pub(crate) fn takes_anothers(self) -> bool {
        self == Self::Admit
    }
}

/// What is known of a request that no decision could be had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecided {
    pub(crate) outage: Outage,
    /// Whether a page of another site made the browser send it, which no user asked for.
    pub(crate) is_foreign: bool,
    /// Whether Authsignal refused this user and session at this action a while ago, or waits for a proof of theirs.
    pub(crate) is_unsettled: bool,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failover {
    /// It is refused as in any outage.
    Refuse,
    /// It is refused, and would have passed but for this.
    Without(NoFailover),
    /// It passes, if there is room in the budget.
    Admit,
    /// It passes with a proof of the application's, if there is room in the budget.
    AskForProof,
}

/// Why a request did not pass in an outage, on a route that lets some pass:
/// [`Refusal::no_failover`](crate::Refusal::no_failover).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoFailover {
    /// The [budget](crate::AuthsignalBuilder::failover_budget) is used up, the user's or that of all.
    OverBudget,
    /// Authsignal refused this user and session at this action a while ago, or waits for a proof of theirs.
    Unsettled,
    /// The application's own proof is missing, or proves nothing.
    Unproven,
    /// What asks for the application's proof failed: an error, a panic, or no answer in time. The log says which.
    Broken,
}

impl NoFailover {
    /// A short name, for logs and problem documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OverBudget => "over_budget",
            Self::Unsettled => "unsettled",
            Self::Unproven => "unproven",
            Self::Broken => "broken",
        }
    }
}

/// The table of failovers, closed by default: a fault that a caller can bring about never lets one pass, whatever the policy.
pub(crate) fn decide(request: Undecided, policy: OnOutage) -> Failover {
    let Undecided { outage, is_foreign, is_unsettled } = request;
    if !outage.is_upstreams_own() || is_foreign {
        return Failover::Refuse;
    }
    match policy {
        OnOutage::Refuse => Failover::Refuse,
        // Whoever was just refused waits for no better moment than an outage.
        OnOutage::Admit if is_unsettled => Failover::Without(NoFailover::Unsettled),
        OnOutage::Admit => Failover::Admit,
        OnOutage::Fallback => Failover::AskForProof,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ALL: [Outage; 9] = [
        Outage::Connect,
        Outage::Timeout,
        Outage::Server,
        Outage::Interrupted,
        Outage::RateLimited,
        Outage::Rejected,
        Outage::Malformed,
        Outage::Overloaded,
        Outage::Store,
    ];

    /// T77: every kind by every policy, foreign or not, settled or not.
    #[test]
    fn t77_the_table_of_failovers_cell_by_cell() {
        let mut cells = 0;
        for outage in ALL {
            for policy in [OnOutage::Refuse, OnOutage::Admit, OnOutage::Fallback] {
                for is_foreign in [false, true] {
                    for is_unsettled in [false, true] {
                        let want = match (outage.as_str(), policy, is_foreign, is_unsettled) {
                            ("connect" | "timeout" | "server", OnOutage::Admit, false, false) => Failover::Admit,
                            ("connect" | "timeout" | "server", OnOutage::Admit, false, true) => {
                                Failover::Without(NoFailover::Unsettled)
                            }
                            ("connect" | "timeout" | "server", OnOutage::Fallback, false, _) => Failover::AskForProof,
                            _ => Failover::Refuse,
                        };
                        let request = Undecided { outage, is_foreign, is_unsettled };
                        assert_eq!(decide(request, policy), want, "{request:?} {policy:?}");
                        cells += 1;
                    }
                }
            }
        }
        println!("{cells} cells of the table of failovers");
        assert_eq!(cells, 9 * 3 * 2 * 2);
    }

    /// T61: a failover is no answer for a layer further in that lets none pass, or asks for a proof of its own.
    #[test]
    fn t61_only_a_layer_that_admits_takes_an_outer_failover() {
        let policies = [OnOutage::Refuse, OnOutage::Admit, OnOutage::Fallback];
        assert_eq!(policies.map(OnOutage::takes_anothers), [false, true, false]);
        assert_eq!(OnOutage::default(), OnOutage::Refuse);
    }
}
