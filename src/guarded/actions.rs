//! A table of actions by method and route, for those who guard a whole router with one layer.
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use authsignal_client::ActionCode;
use http::Method;
use tower_layer::Layer;

use super::{Route, RouteGuard};
use crate::authsignal::Authsignal;
use crate::config::ConfigError;
use crate::middleware::{ActionsService, AuthsignalLayer, Named, Table};

/// A table of actions by method and route, from which one layer for a whole router is built.
///
/// It is closed by default: a request whose route it does not name is refused (500,
/// [`RefusalReason::Unguarded`](crate::RefusalReason::Unguarded)), and the log says what is missing. The callback passes by
/// itself.
///
/// Put it on the router that has the routes, with `route_layer`, after the last of them: routes that are added later are not
/// guarded. A route is found by its method and its template, as axum's [`MatchedPath`](axum::extract::MatchedPath) gives it,
/// with the prefixes of nested routers: no form of a path finds another. Where nothing was matched, as in a fallback, nothing
/// passes. What is nested as a service (`nest_service`, such as a folder of files) has no template out here: add it after the
/// layer, or put a table inside of it. `HEAD` is `GET`, whose handler it runs; `OPTIONS`, where it is not named, is asked about as the first guarded method of its
/// route, so that preflights pass.
///
/// # Examples
///
/// ```
/// use axum::http::Method;
/// use axum::routing::{get, post};
/// use axum::Router;
/// use axum_authsignal::{Actions, Authsignal, AuthsignalLayer, ConfigError};
/// use std::time::Duration;
///
/// fn app(authsignal: &Authsignal) -> Result<Router, ConfigError> {
///     let admin = AuthsignalLayer::try_new(authsignal, "administer")?.remember(Duration::from_secs(600));
///     let actions = Actions::new(authsignal)
///         .on(Method::POST, "/withdraw", "withdrawal")
///         .on_layer(Method::DELETE, "/users/{id}", admin)
///         .unguarded(Method::GET, "/")
///         .build()?;
///     let routes = Router::new()
///         .route("/", get(async || "welcome"))
///         .route("/withdraw", post(async || "done"))
///         .route("/users/{id}", axum::routing::delete(async || "gone"));
///     Ok(routes.route_layer(actions).merge(authsignal.routes()))
/// }
/// ```
#[derive(Debug)]
#[must_use = "a table guards nothing until its layer is built and put on a router"]
pub struct Actions {
    authsignal: Authsignal,
    rows: Vec<(Method, String, Row)>,
    are_others_unguarded: bool,
}

#[derive(Debug)]
enum Row {
    Action(String),
    Layer(Box<AuthsignalLayer>),
    Unguarded,
}

impl Actions {
    /// A table without a row.
    pub fn new(authsignal: &Authsignal) -> Self {
        Self { authsignal: authsignal.clone(), rows: Vec::new(), are_others_unguarded: false }
    }

    /// Guards a route as `action`, with the settings of [`AuthsignalLayer::new`]. The route is written as axum writes it, with its
    /// prefixes: `/admin/users/{id}`.
    pub fn on(self, method: Method, route: impl Into<String>, action: impl Into<String>) -> Self {
        self.row(method, route, Row::Action(action.into()))
    }

    /// Guards a route as a layer does.
    pub fn on_layer(self, method: Method, route: impl Into<String>, layer: AuthsignalLayer) -> Self {
        self.row(method, route, Row::Layer(Box::new(layer)))
    }

    /// Lets the requests of a route pass, without a verdict.
    pub fn unguarded(self, method: Method, route: impl Into<String>) -> Self {
        self.row(method, route, Row::Unguarded)
    }

    /// Lets the requests of every route pass that the table does not name. What no router has matched is refused for all that.
    /// Default: they are refused.
    pub fn others_unguarded(mut self) -> Self {
        self.are_others_unguarded = true;
        self
    }

    fn row(mut self, method: Method, route: impl Into<String>, row: Row) -> Self {
        self.rows.push((method, route.into(), row));
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Route`] for a route that is named twice, one that axum could never match, and `HEAD`, which is `GET`;
    /// [`ConfigError::Action`] for an action that is none; [`ConfigError::Policies`] for a layer whose settings do not go together.
    pub fn build(self) -> Result<ActionsLayer, ConfigError> {
        let mut table = Table::new(self.authsignal.inner(), self.are_others_unguarded);
        let (mut routes, mut seen) = (Vec::new(), HashSet::new());
        // As axum's own: two templates for one path, such as `/{id}` and `/{name}`, are one route named twice.
        let mut templates = matchit::Router::new();
        for (method, path, row) in self.rows {
            let refused =
                |reason: &str| ConfigError::Route { route: format!("{method} {path}"), reason: reason.to_owned() };
            if method == Method::HEAD {
                return Err(refused("HEAD runs the handler of GET: name GET, which is for both"));
            }
            check(&path).map_err(|reason| refused(&reason))?;
            if !seen.insert((method.clone(), path.clone())) {
                return Err(refused("it is named twice"));
            }
            if templates.insert(path.clone(), ()).is_err_and(|_| !routes.iter().any(|route: &Route| route.path == path))
            {
                return Err(refused("it is named twice: another template of the table is for the same paths"));
            }
            let layer = match row {
                Row::Action(action) => Some(AuthsignalLayer::try_new(&self.authsignal, action)?.checked()?),
                Row::Layer(layer) => Some(layer.checked()?),
                Row::Unguarded => None,
            };
            table.name(method.clone(), path.clone(), layer.as_ref());
            routes.push(Route { method, path, guard: layer.as_ref().map(RouteGuard::of) });
        }
        Ok(ActionsLayer { table: Arc::new(table), routes: routes.into() })
    }
}

/// Whether axum takes a template.
fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("axum's routes begin with `/`".to_owned());
    }
    if path.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err("axum writes parameters as `{id}`, and what is left of a path as `{*rest}`".to_owned());
    }
    matchit::Router::new().insert(path, ()).map_err(|error| error.to_string())
}

/// A layer for a whole router, built from [`Actions`].
#[derive(Clone)]
pub struct ActionsLayer {
    table: Arc<Table>,
    routes: Arc<[Route]>,
}

impl ActionsLayer {
    /// What the table names, in its order: for a look at start, and for a test that holds it.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    pub(crate) fn are_others_unguarded(&self) -> bool {
        self.table.are_others_unguarded
    }

    /// The action of a request with this method to a route, if it is guarded.
    #[must_use]
    pub fn action(&self, method: &Method, route: &str) -> Option<&ActionCode> {
        match self.table.names(method, route)? {
            Named::Guarded(index) => Some(self.table.action(index)),
            Named::Unguarded => None,
        }
    }
}

impl<S> Layer<S> for ActionsLayer {
    type Service = ActionsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ActionsService::new(inner, &self.table)
    }
}

impl fmt::Debug for ActionsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionsLayer").field("routes", &self.routes).finish_non_exhaustive()
    }
}
