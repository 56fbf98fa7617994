//! A route, what guards it, and how both read in a list.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, VerificationMethod};
use http::Method;

use crate::domain::actor::NoPerson;
use crate::domain::coverage::Coverage;
use crate::domain::extent::Extent;
use crate::domain::failover::OnOutage;
use crate::domain::policy::{Policy, Unenrolled};
use crate::middleware::AuthsignalLayer;

/// A route of a [`GuardedRouter`](crate::GuardedRouter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) guard: Option<RouteGuard>,
}

/// What guards a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteGuard {
    /// The action that it is guarded as.
    pub action: ActionCode,
    /// What one approval covers.
    pub coverage: Coverage,
    /// For how long an approval is remembered.
    pub remember: Option<Duration>,
    /// What becomes of users with nothing enrolled.
    pub unenrolled: Unenrolled,
    /// What becomes of requests while Authsignal is out.
    pub on_outage: OnOutage,
    /// The type that its bodies are read as, as the compiler calls it ([`AuthsignalLayer::transaction`]).
    pub transaction: Option<&'static str>,
    /// Why step-up is switched off ([`AuthsignalLayer::off`]).
    pub off: Option<Arc<str>>,
    /// Of how many users in a hundred it is asked ([`AuthsignalLayer::share`]).
    pub share: Option<u8>,
    /// Whether it is asked only where a condition says so ([`AuthsignalLayer::when`]).
    pub has_condition: bool,
    /// Whether requests go on whatever the answer is ([`AuthsignalLayer::observe`]).
    pub is_observed: bool,
    /// The verification methods that count ([`AuthsignalLayer::methods`]); empty where every one does.
    pub methods: Vec<VerificationMethod>,
    /// From which age on a proof counts no more ([`AuthsignalLayer::max_age`]).
    pub max_age: Option<Duration>,
    /// What becomes of requests that no person is behind ([`AuthsignalLayer::machines`]).
    pub machines: NoPerson,
    /// What becomes of requests of those who act as another ([`AuthsignalLayer::impersonation`]).
    pub impersonation: NoPerson,
    /// The action of the sign-in that stands in the place of a challenge, and the age up to which it does
    /// ([`AuthsignalLayer::accepts_sign_in`]).
    pub sign_in: Option<(String, Duration)>,
    /// How long a request waits for a review ([`AuthsignalLayer::review`]).
    pub review: Option<Duration>,
}

impl RouteGuard {
    pub(super) fn of(layer: &AuthsignalLayer) -> Self {
        let (action, policy) = layer.described();
        let Policy {
            coverage,
            unenrolled,
            remember,
            on_outage,
            extent,
            proof,
            machines,
            impersonation,
            sign_in,
            review,
            transaction: _,
        } = policy;
        let Extent { off, share, has_condition, is_observed } = extent.clone();
        Self {
            action: action.clone(),
            coverage: *coverage,
            remember: *remember,
            unenrolled: *unenrolled,
            on_outage: *on_outage,
            transaction: layer.transaction_type(),
            off,
            share,
            has_condition,
            is_observed,
            methods: proof.methods().to_vec(),
            max_age: proof.max_age,
            machines: *machines,
            impersonation: *impersonation,
            sign_in: sign_in.as_ref().map(|sign_in| (sign_in.action.clone(), sign_in.max_age)),
            review: *review,
        }
    }

    /// Whether a request can be stopped by it: it is neither switched off nor only observed.
    #[must_use]
    pub fn can_stop(&self) -> bool {
        self.off.is_none() && !self.is_observed
    }
}

impl Route {
    /// The method; `GET` answers `HEAD`, too.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path as axum writes it: `/orders/{id}`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What guards it.
    #[must_use]
    pub fn guard(&self) -> Option<&RouteGuard> {
        self.guard.as_ref()
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guard.as_ref().is_some_and(RouteGuard::can_stop)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.path)?;
        let Some(guard) = &self.guard else { return f.write_str("not guarded") };
        write!(f, "{}, covers {:?}", guard.action, guard.coverage)?;
        if let Some(time) = guard.remember {
            write!(f, ", remembered for {} s", time.as_secs())?;
        }
        write!(f, ", unenrolled: {:?}", guard.unenrolled)?;
        if !guard.methods.is_empty() {
            let methods: Vec<_> = guard.methods.iter().map(VerificationMethod::as_str).collect();
            write!(f, ", methods: {}", methods.join(" or "))?;
        }
        if let Some(age) = guard.max_age {
            write!(f, ", proved within {} s", age.as_secs())?;
        }
        if let Some(time) = guard.review {
            write!(f, ", reviewed within {} s", time.as_secs())?;
        }
        if guard.on_outage != OnOutage::Refuse {
            write!(f, ", on outage: {:?}", guard.on_outage)?;
        }
        for (who, policy) in [("machines", guard.machines), ("impersonation", guard.impersonation)] {
            if policy != NoPerson::Refuse {
                write!(f, ", {who}: {policy:?}")?;
            }
        }
        if let Some(transaction) = guard.transaction {
            write!(f, ", reads {transaction}")?;
        }
        if let Some(percent) = guard.share {
            write!(f, ", asked of {percent} in 100 users")?;
        }
        if guard.has_condition {
            f.write_str(", asked when its condition says so")?;
        }
        if guard.is_observed {
            f.write_str(", only observed")?;
        }
        match &guard.off {
            Some(reason) => write!(f, ", switched off: {reason:?}"),
            None => Ok(()),
        }
    }
}
