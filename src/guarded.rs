//! A router that knows which of its routes are guarded, which axum's own does not tell.
mod actions;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, VerificationMethod};
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use http::Method;

use crate::domain::actor::NoPerson;
use crate::domain::coverage::Coverage;
use crate::domain::extent::Extent;
use crate::domain::failover::OnOutage;
use crate::domain::policy::{Policy, Unenrolled};
use crate::middleware::AuthsignalLayer;
#[cfg(doc)]
use crate::transaction::Transaction;
use crate::transaction::{TakesApproved, approved_types};

pub use actions::{Actions, ActionsLayer};

/// Adds routes one by one, each with its layer or with none, and knows afterwards which is which: for a look at start, and for a
/// test that holds it.
///
/// # Examples
///
/// ```
/// use axum::http::Method;
/// use axum_authsignal::{Authsignal, AuthsignalLayer, GuardedRouter};
///
/// fn app(authsignal: &Authsignal) -> GuardedRouter {
///     GuardedRouter::new()
///         .unguarded(Method::GET, "/", async || "welcome")
///         .unguarded(Method::POST, "/sign-in", async || "hello")
///         .guarded(Method::POST, "/withdraw", &AuthsignalLayer::new(authsignal, "withdrawal"), async || "done")
/// }
///
/// # fn check(authsignal: &Authsignal) {
/// // In a test:
/// let app = app(authsignal);
/// app.assert_guarded(["POST /withdraw"]);
/// app.assert_no_unguarded_mutation(["POST /sign-in"]);
///
/// // At start:
/// let router: axum::Router = app.into_router().merge(authsignal.routes());
/// # }
/// ```
#[must_use = "its routes are served by the router that `into_router` gives"]
pub struct GuardedRouter<S = ()> {
    router: Router<S>,
    routes: Vec<Route>,
}

/// A route of a [`GuardedRouter`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    method: Method,
    path: String,
    guard: Option<RouteGuard>,
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
    fn of(layer: &AuthsignalLayer) -> Self {
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

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn is_guarded(&self) -> bool {
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

impl<S: Clone + Send + Sync + 'static> GuardedRouter<S> {
    /// Begins with no routes.
    pub fn new() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }

    /// Adds a route behind `layer`.
    ///
    /// # Panics
    ///
    /// As [`Router::route`] does, and for a method that axum has no filter for; and if the handler takes an
    /// [`Approved`](crate::Approved) of a type that the layer does not read.
    #[track_caller]
    pub fn guarded<H, T>(self, method: Method, path: &str, layer: &AuthsignalLayer, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        check_transactions::<T>(&method, path, layer.transaction_type());
        let route = on(filter(&method), handler).route_layer(layer.clone());
        self.add(Route { method, path: path.to_owned(), guard: Some(RouteGuard::of(layer)) }, route)
    }

    /// Adds a route behind `layer`, which is made to [read](AuthsignalLayer::transaction) the very [`Transaction`] that the handler
    /// takes: a handler whose first argument is no [`Approved`](crate::Approved) does not compile.
    ///
    /// See [`Transaction`] for an example.
    ///
    /// # Panics
    ///
    /// As [`guarded`](Self::guarded).
    #[track_caller]
    pub fn transaction<H, T>(self, method: Method, path: &str, layer: &AuthsignalLayer, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: TakesApproved + 'static,
    {
        self.guarded(method, path, &layer.clone().transaction::<T::Transaction>(), handler)
    }

    /// Adds a route that nothing guards.
    ///
    /// # Panics
    ///
    /// As [`guarded`](Self::guarded).
    #[track_caller]
    pub fn unguarded<H, T>(self, method: Method, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        check_transactions::<T>(&method, path, None);
        let route = on(filter(&method), handler);
        self.add(Route { method, path: path.to_owned(), guard: None }, route)
    }

    fn add(mut self, route: Route, handler: axum::routing::MethodRouter<S>) -> Self {
        self.router = self.router.route(&route.path, handler);
        self.routes.push(route);
        self
    }

    /// Adds all routes of another under a prefix, as [`Router::nest`] does.
    ///
    /// # Panics
    ///
    /// As [`Router::nest`].
    #[track_caller]
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        self.router = self.router.nest(prefix, other.router);
        let under = |route: Route| {
            let path = if route.path == "/" { prefix.to_owned() } else { format!("{prefix}{}", route.path) };
            Route { path, ..route }
        };
        self.routes.extend(other.routes.into_iter().map(under));
        self
    }

    /// Adds all routes of another, as [`Router::merge`] does.
    ///
    /// # Panics
    ///
    /// As [`Router::merge`].
    #[track_caller]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.routes.extend(other.routes);
        self
    }

    /// Guards the routes that were added so far by a table of [`Actions`], which has to name each of them, with its prefixes, and
    /// none besides.
    ///
    /// # Panics
    ///
    /// With the routes that the table does not name, unless it [lets all others pass](Actions::others_unguarded), and with
    /// those that it names and that are not there.
    #[track_caller]
    pub fn guarded_by(mut self, actions: &ActionsLayer) -> Self {
        let named: BTreeSet<_> = actions.routes().iter().map(Route::name).collect();
        let there: BTreeSet<_> = self.routes.iter().map(Route::name).collect();
        let missing: Vec<_> = there.difference(&named).collect();
        let are_named = missing.is_empty() || actions.are_others_unguarded();
        assert!(are_named, "the table of actions does not name: {missing:?}");
        let stale: Vec<_> = named.difference(&there).collect();
        assert!(stale.is_empty(), "the table of actions names routes that are not there: {stale:?}");
        for route in &mut self.routes {
            let row = actions.routes().iter().find(|row| row.name() == route.name());
            route.guard = row.and_then(|row| row.guard.clone()).or_else(|| route.guard.take());
        }
        self.router = self.router.route_layer(actions.clone());
        self
    }

    /// The routes, in the order in which they were added.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The router, whose routes are written to the log at `debug`. What is added to it afterwards is not known here.
    pub fn into_router(self) -> Router<S> {
        for route in &self.routes {
            tracing::debug!(%route, "route");
        }
        self.router
    }

    /// Fails unless each of these routes, such as `POST /withdraw`, is there and guarded. One that is
    /// [switched off](AuthsignalLayer::off) or only [observed](AuthsignalLayer::observe) is not.
    ///
    /// # Panics
    ///
    /// With the routes that are not, and what is there in their place.
    #[track_caller]
    pub fn assert_guarded<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) {
        let is_guarded = |name: &str| self.routes.iter().any(|route| route.name() == name && route.is_guarded());
        let missing: Vec<_> = wanted.into_iter().filter(|name| !is_guarded(name)).collect();
        assert!(missing.is_empty(), "not guarded: {missing:?}; there are:\n{}", self.listed());
    }

    /// Fails if a route that may change something (any method but `GET`, `HEAD`, `OPTIONS` and `TRACE`) is not guarded and not
    /// one of these exceptions; and if an exception is none any more.
    ///
    /// # Panics
    ///
    /// With the routes, or the exceptions.
    #[track_caller]
    pub fn assert_no_unguarded_mutation<'a>(&self, except: impl IntoIterator<Item = &'a str>) {
        let except: BTreeSet<String> = except.into_iter().map(str::to_owned).collect();
        let open = self.routes.iter().filter(|route| !route.method.is_safe() && !route.is_guarded());
        let open: BTreeSet<String> = open.map(Route::name).collect();
        let unguarded: Vec<_> = open.difference(&except).collect();
        assert!(unguarded.is_empty(), "these may change something, and are not guarded: {unguarded:?}");
        let stale: Vec<_> = except.difference(&open).collect();
        assert!(
            stale.is_empty(),
            "these exceptions are guarded, or not there: {stale:?}; there are:\n{}",
            self.listed()
        );
    }

    fn listed(&self) -> String {
        self.routes.iter().map(|route| format!("  {route}\n")).collect()
    }
}

/// Whether the layer reads what the handler takes, as far as the types of its arguments show.
#[track_caller]
fn check_transactions<T>(method: &Method, path: &str, read: Option<&'static str>) {
    for taken in approved_types::<T>() {
        assert!(
            read == Some(taken),
            "{method} {path}: its handler takes an `Approved<{taken}>`, and its layer reads {}: make that \
             `AuthsignalLayer::new(..).transaction::<{taken}>()`, or add the route with `GuardedRouter::transaction`",
            read.map_or_else(|| "no transaction".to_owned(), |read| format!("a `{read}`")),
        );
    }
}

#[track_caller]
fn filter(method: &Method) -> MethodFilter {
    match MethodFilter::try_from(method.clone()) {
        Ok(filter) => filter,
        Err(_) => panic!("invalid method of a route: {method}"),
    }
}

impl<S: Clone + Send + Sync + 'static> Default for GuardedRouter<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for GuardedRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedRouter").field("routes", &self.routes).finish_non_exhaustive()
    }
}
