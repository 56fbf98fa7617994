//! What the emulator was asked.
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

/// How many requests are remembered; the oldest go first.
const MOST: usize = 10_000;

/// The endpoints of the emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /users/{userId}/actions/{action}`.
    Track,
    /// `GET /users/{userId}/actions/{action}/{idempotencyKey}`.
    GetAction,
    /// `POST /validate`.
    ValidateChallenge,
    /// `GET /users/{userId}`.
    GetUser,
    /// `POST /users/{userId}/authenticators`.
    EnrollVerifiedAuthenticator,
    /// The page where users prove themselves, `GET` and `POST /`.
    ChallengePage,
    /// Everything else.
    Unknown,
}

impl Endpoint {
    /// The endpoint of a route, by the path that it was registered with.
    pub(super) fn of(method: &Method, route: Option<&str>) -> Self {
        let route = route.unwrap_or_default();
        match (method.as_str(), route.strip_prefix("/v1").unwrap_or(route)) {
            ("POST", "/users/{user}/actions/{action}") => Self::Track,
            ("GET", "/users/{user}/actions/{action}/{key}") => Self::GetAction,
            ("POST", "/validate") => Self::ValidateChallenge,
            ("GET", "/users/{user}") => Self::GetUser,
            ("POST", "/users/{user}/authenticators") => Self::EnrollVerifiedAuthenticator,
            ("GET" | "POST", "/") => Self::ChallengePage,
            _ => Self::Unknown,
        }
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The endpoint it went to.
    pub endpoint: Endpoint,
    /// Its method.
    pub method: Method,
    /// Its path and query, still encoded.
    pub path: String,
    /// Its headers, the credentials among them.
    pub headers: HeaderMap,
    /// Its body; empty when it was longer than the emulator reads.
    pub body: Bytes,
}

impl SeenRequest {
    /// The body as JSON; [`Value::Null`] when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// All requests, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<VecDeque<SeenRequest>>);

impl Seen {
    pub(super) fn record(&self, request: SeenRequest) {
        let mut all = self.all();
        if all.len() == MOST {
            all.pop_front();
        }
        all.push_back(request);
    }

    pub(super) fn all(&self) -> MutexGuard<'_, VecDeque<SeenRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
