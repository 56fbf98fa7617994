//! A router that knows which of its routes are guarded, which axum's own does not tell.
mod actions;
mod route;

use std::collections::BTreeSet;
use std::fmt;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use http::Method;

use crate::middleware::AuthsignalLayer;
#[cfg(doc)]
use crate::transaction::Transaction;
use crate::transaction::{TakesApproved, approved_types};

pub use actions::{Actions, ActionsLayer};
pub use route::{Route, RouteGuard};

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
