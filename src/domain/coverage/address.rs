//! The address of a request: what a handler can see of it, wherever it was rewritten on the way.
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts as _, MatchedPath, OriginalUri, RawPathParams};
use http::Uri;
use http::request::Parts;

use crate::domain::fields::Fields;

/// The address of a request at the layer, as received and as routed (threat T111).
///
/// Something between two routers may map a `Host` to a tenant's path, or strip a prefix: the handler is routed by what
/// stands then, while `OriginalUri` shows what came first. Neither says what the other does, and the parameters of a
/// path may come from an address that is in neither any more. So all of it counts.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// As the client sent it, before any router stripped a prefix.
    pub(crate) received: Uri,
    pub(super) routed: Uri,
    /// The template that a router matched.
    pub(super) route: Option<String>,
    pub(super) params: Params,
}

/// What `Path` makes of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Params {
    Missing,
    Unreadable,
    Found(Vec<(String, String)>),
}

impl Address {
    /// What no request is sent to.
    pub(crate) fn nowhere() -> Self {
        Self { received: Uri::default(), routed: Uri::default(), route: None, params: Params::Unreadable }
    }

    pub(crate) async fn of(parts: &mut Parts) -> Self {
        let params = match RawPathParams::from_request_parts(parts, &()).await {
            Ok(found) => Params::Found(found.iter().map(|(name, value)| (name.into(), value.into())).collect()),
            Err(RawPathParamsRejection::MissingPathParams(_)) => Params::Missing,
            Err(_) => Params::Unreadable,
        };
        let routed = parts.uri.clone();
        Self {
            received: parts.extensions.get().map_or_else(|| routed.clone(), |OriginalUri(received)| received.clone()),
            routed,
            route: parts.extensions.get::<MatchedPath>().map(|route| route.as_str().to_owned()),
            params,
        }
    }

    /// Whether it is `outer` as seen from further in: the same, or with the prefix of a nested router stripped. Nothing else
    /// may have happened to it, since the outer layer decided about what it saw (threat T115).
    pub(crate) fn is_within(&self, outer: &Self) -> bool {
        let (inside, outside) = (&self.routed, &outer.routed);
        let is_stripped = inside.path() == "/" || outside.path().ends_with(inside.path());
        let is_same_host = inside.scheme() == outside.scheme() && inside.authority() == outside.authority();
        // A router further in adds to what the outer one found, and in front of the first there is nothing yet.
        let is_same_route = match (&outer.route, &self.route) {
            (None, _) => true,
            (Some(outer), Some(inner)) => inner.starts_with(outer.as_str()),
            (Some(_), None) => false,
        };
        let is_same_params = match (&outer.params, &self.params) {
            (Params::Missing, _) => true,
            (Params::Found(outer), Params::Found(inner)) => inner.starts_with(outer),
            (Params::Unreadable | Params::Found(_), _) => false,
        };
        self.received == outer.received
            && is_same_host
            && inside.query() == outside.query()
            && is_stripped
            && is_same_route
            && is_same_params
    }

    /// The address one segment further up, `/pay/7?x` for `/pay/7/step-up?x`, with what a router matched of it.
    pub(crate) fn parent(&self) -> Self {
        Self {
            received: parent_of(&self.received),
            routed: parent_of(&self.routed),
            route: self.route.as_deref().map(|route| above(route).to_owned()),
            params: self.params.clone(),
        }
    }

    pub(super) fn add_to(&self, fields: &mut Fields) {
        add_uri(fields, &self.received);
        add_uri(fields, &self.routed);
        match &self.route {
            Some(route) => {
                fields.add("route");
                fields.add(route);
            }
            None => fields.add("no route"),
        }
        match &self.params {
            Params::Missing => fields.add("missing"),
            Params::Unreadable => fields.add("unreadable"),
            Params::Found(found) => {
                fields.add("found");
                fields.add(found.len().to_be_bytes());
                for (name, value) in found {
                    fields.add(name);
                    fields.add(value);
                }
            }
        }
    }

    /// The template that a router matched; where none did, the whole path, as received and as routed.
    pub(super) fn add_route_to(&self, fields: &mut Fields) {
        match &self.route {
            Some(route) => fields.add(route),
            None => {
                fields.add(self.received.path());
                fields.add(self.routed.path());
            }
        }
    }
}

/// `/x?` is not `/x`. A request of HTTP/2, or to a proxy, has a scheme and a host in its address, which handlers see.
fn add_uri(fields: &mut Fields, uri: &Uri) {
    fields.add(uri.scheme_str().unwrap_or_default());
    fields.add(uri.authority().map_or("", |authority| authority.as_str()));
    fields.add(uri.path());
    fields.add(if uri.query().is_some() { "?" } else { "" });
    fields.add(uri.query().unwrap_or_default());
}

fn parent_of(uri: &Uri) -> Uri {
    let path = above(uri.path());
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.parse().ok();
    // A part of a path is one.
    Uri::from_parts(parts).unwrap_or_default()
}

/// A path without its last segment.
fn above(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((above, _)) => above,
    }
}
