//! A table of what guards the routes of one router: found by method and template, once the router has matched.
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use authsignal_client::ActionCode;
use axum::extract::MatchedPath;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use tower_service::Service;

use super::body::{RefusalBody, ReplayBody};
use super::future::ResponseFuture;
use super::guard::Guard;
use super::layer::AuthsignalLayer;
use crate::authsignal::Inner;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::domain::place::Place;
use crate::refusal::{Refusal, RefusalReason};
use crate::verdict::question::LayerId;

/// How many mistakes are told one by one.
const MAX_TOLD: usize = 1_000;

/// What guards each route.
pub(crate) struct Table {
    authsignal: Arc<Inner>,
    guards: Vec<Guard>,
    /// By the template, what is named at it.
    routes: HashMap<String, Vec<(Method, Named)>>,
    /// The callback's, which pass by themselves.
    own: BTreeSet<String>,
    pub(crate) are_others_unguarded: bool,
    /// What was said in the log already.
    told: Mutex<HashSet<String>>,
}

/// What the table says of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Guarded, by which of the guards.
    Guarded(usize),
    Unguarded,
}

/// Why nothing is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// No router has matched it where the table stands.
    NoRoute,
    /// The table names no such route.
    NotNamed,
}

impl Table {
    pub(crate) fn new(authsignal: &Arc<Inner>, are_others_unguarded: bool) -> Self {
        let callbacks = authsignal.places.iter().flat_map(Place::received_callbacks);
        let own = callbacks.flat_map(|path| [format!("{}/step-up.js", path.trim_end_matches('/')), path]).collect();
        let (guards, routes) = (Vec::new(), HashMap::new());
        let authsignal = Arc::clone(authsignal);
        Self { authsignal, guards, routes, own, are_others_unguarded, told: Mutex::default() }
    }

    /// Names a route, guarded by a layer or by none. What it named before stands first.
    pub(crate) fn name(&mut self, method: Method, path: String, layer: Option<&AuthsignalLayer>) {
        let named = layer.map_or(Named::Unguarded, |layer| {
            self.guards.push(layer.guard.clone());
            Named::Guarded(self.guards.len() - 1)
        });
        self.routes.entry(path).or_default().push((method, named));
    }

    pub(crate) fn action(&self, index: usize) -> &ActionCode {
        &self.guards[index].action
    }

    /// What it says of a route.
    pub(crate) fn names(&self, method: &Method, path: &str) -> Option<Named> {
        let routes = self.routes.get(path)?;
        let at = |wanted: &Method| routes.iter().find(|(method, _)| method == wanted).map(|(_, named)| *named);
        match *method {
            // It runs the handler of GET.
            Method::HEAD => at(&Method::GET),
            // A preflight passes a guard on nobody's behalf, and nothing else does without being asked about.
            Method::OPTIONS => at(method)
                .or_else(|| routes.iter().map(|(_, named)| *named).find(|named| matches!(named, Named::Guarded(_)))),
            _ => at(method),
        }
    }

    fn find(&self, parts: &Parts) -> Result<Named, Unknown> {
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).ok_or(Unknown::NoRoute)?;
        if let Some(named) = self.names(&parts.method, path) {
            return Ok(named);
        }
        let is_free = self.own.contains(path) || self.are_others_unguarded;
        if is_free { Ok(Named::Unguarded) } else { Err(Unknown::NotNamed) }
    }

    fn refuse(&self, parts: &Parts, why: Unknown) -> Response<Bytes> {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let method = &parts.method;
        let is_first = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.len() < MAX_TOLD && told.insert(format!("{method} {}", route.unwrap_or_default()))
        };
        match why {
            Unknown::NotNamed if is_first => tracing::error!(
                %method,
                route,
                setter = "Actions::on",
                "a route that the table of actions does not name, so that its requests are refused: name it with `on`, or with \
                 `unguarded`; or all that it does not name with `others_unguarded`"
            ),
            Unknown::NoRoute if is_first => tracing::error!(
                %method,
                setter = "Actions",
                "a table of actions where no router has matched the request, so that it is refused: put it on the router that \
                 has the routes, with `Router::route_layer`, after the last of them; a fallback has no route, and `Router::layer` \
                 guards it, too"
            ),
            Unknown::NotNamed | Unknown::NoRoute => {}
        }
        let reason = RefusalReason::Unguarded;
        let ended = Ended { reason: Some(&reason), route, ..Ended::new(Outcome::Refused, None, None) };
        self.authsignal.listeners.tell(&ended);
        let came_from = self.authsignal.came_from(parts);
        self.authsignal.answers.refuse(parts, Refusal::new(reason, None), came_from)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// The service of an [`ActionsLayer`](crate::ActionsLayer).
#[derive(Clone)]
pub struct ActionsService<S> {
    inner: S,
    table: Arc<Table>,
    /// Its own guards, each made when it is needed: where one stands is a place of its own.
    guards: Arc<[OnceLock<Arc<Guard>>]>,
}

impl<S> ActionsService<S> {
    pub(crate) fn new(inner: S, table: &Arc<Table>) -> Self {
        let guards = table.guards.iter().map(|_| OnceLock::new()).collect();
        Self { inner, table: Arc::clone(table), guards }
    }

    fn guard(&self, index: usize) -> Arc<Guard> {
        let own = || Arc::new(Guard { id: LayerId::new(), ..self.table.guards[index].clone() });
        Arc::clone(self.guards[index].get_or_init(own))
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ActionsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    ReqBody: ReplayBody,
    ResBody: RefusalBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // As in `AuthsignalService`.
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let (parts, body) = request.into_parts();
        let found = self.table.find(&parts).map_err(|why| self.table.refuse(&parts, why));
        let request = Request::from_parts(parts, body);
        match found {
            Ok(Named::Guarded(index)) => ResponseFuture::deciding(Box::pin(self.guard(index).decide(request)), ready),
            Ok(Named::Unguarded) => ResponseFuture::passing(ready.call(request)),
            Err(answer) => ResponseFuture::deciding(Box::pin(std::future::ready(Err(answer))), ready),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for ActionsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionsService").field("inner", &self.inner).field("table", &self.table).finish()
    }
}
