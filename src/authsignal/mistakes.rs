//! Mistakes of whoever sets a handle up: each is noticed while requests are answered, and told once in the log, with what
//! mends it.
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, StatusCode, header};

use super::Inner;
use crate::domain::place::shown_host;
use crate::request::cookie::cookies;

/// What was noticed so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    /// Whether it was logged that requests come by a name that no setter gives.
    warned_of_host: Happened,
    /// Whether the callback was mounted, or it was logged that it was not.
    pub(crate) is_callback_mounted: Happened,
    /// Whether it was logged that a page's call was challenged before its browser had an id.
    pub(crate) warned_of_first_call: Happened,
    /// Whether `identify` has named somebody in front of a guarded route, or it was logged that it had not.
    pub(crate) has_named_at_layer: Happened,
    /// The same on the way back from a challenge.
    pub(crate) has_named_on_the_way_back: Happened,
    /// Whether it was logged that the page that people go on to is not there.
    warned_of_home: Happened,
}

/// Something that may have happened to a handle.
#[derive(Debug, Default)]
pub(crate) struct Happened(AtomicBool);

impl Happened {
    /// It has. Most often it is known, and nothing is written that other cores would have to be told of.
    pub(crate) fn note(&self) {
        if !self.0.load(Ordering::Relaxed) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// It has, and had not before.
    pub(crate) fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

impl Inner {
    /// Once per handle: whoever proves a challenge would come back to a page that is not there.
    pub(crate) fn warn_of_missing_callback(&self) {
        if self.mistakes.is_callback_mounted.is_first() {
            tracing::error!(
                callback_url = %self.places.main.callback_url,
                "a challenge is handed out, and nothing serves its callback: merge `Authsignal::routes()` into the outermost \
                 router, or mount `Authsignal::callback()` at the path of the callback URL"
            );
        }
    }

    /// Once per handle, and never where somebody was named before: a session's layer that is further in than ours has not put
    /// its user into the request, which looks as if nobody were signed in.
    ///
    /// The extractors of tower-sessions, axum-login, axum_session and axum_session_auth fail with 500 then, which is an error in
    /// the log each time. An extractor of the application's own may answer 401, or find no user.
    pub(crate) fn warn_of_nobody_at_layer(&self, headers: &HeaderMap) {
        if self.brings_credentials(headers) && self.mistakes.has_named_at_layer.is_first() {
            tracing::warn!(
                "`identify` has named nobody yet, and here for a request that brings a cookie or credentials: if its user is \
                 signed in, a guarded route stands outside of the layer that makes the session. `.layer(session)` comes after \
                 the guarded routes, or further out"
            );
        }
    }

    /// The same on the way back.
    pub(crate) fn warn_of_nobody_on_the_way_back(&self, headers: &HeaderMap) {
        if self.brings_credentials(headers) && self.mistakes.has_named_on_the_way_back.is_first() {
            tracing::warn!(
                "`identify` has named nobody yet on the way back from a challenge, and here for a browser that began one: if its \
                 user is still signed in, the callback stands outside of the layer that makes the session. `.layer(session)` \
                 comes after `.merge(authsignal.routes())`"
            );
        }
    }

    /// What an extractor of `identify` answered in the place of naming somebody who has come back.
    pub(crate) fn log_rejection_on_the_way_back(&self, headers: &HeaderMap, status: StatusCode) {
        if status.is_server_error() {
            tracing::error!(
                status = status.as_u16(),
                "an extractor of `identify` failed on the way back from a challenge: what it needs is not there yet. \
                 `.layer(session)` comes after `.merge(authsignal.routes())`"
            );
        } else {
            self.warn_of_nobody_on_the_way_back(headers);
        }
    }

    /// Whether a request brings something by which its user may be known.
    fn brings_credentials(&self, headers: &HeaderMap) -> bool {
        let ours = self.cookie.name().as_bytes();
        headers.contains_key(header::AUTHORIZATION) || cookies(headers).any(|(name, _)| name != ours)
    }

    /// Once per handle: Cancel and Continue lead to a page that is not there.
    pub(crate) fn warn_of_home(&self) {
        if self.mistakes.warned_of_home.is_first() {
            tracing::warn!(
                home = self.answers.home.path(),
                "people are led to a page that is not there: pages after a challenge lead to it by Cancel and Continue. Name one \
                 that is there with `AuthsignalBuilder::home`"
            );
        }
    }

    /// Once per handle: on a host that no setter names, browsers do not bring back what the challenge was begun with.
    pub(crate) fn warn_of_host(&self, host: &str) {
        if self.mistakes.warned_of_host.is_first() {
            tracing::warn!(
                host = shown_host(host),
                callback_url = %self.places.main.callback_url,
                "challenged on another host than the callback's: if browsers use this name, they come back to the \
                 callback without their cookie, which the log calls `unknown_flow`; \
                 `AuthsignalBuilder::also_at` or `callback_url_at` name it. If a proxy rewrites `Host`, all is well"
            );
        }
    }
}
