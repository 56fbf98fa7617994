//! What a page can ask before the click: whether a request would have to be proved.
use std::sync::Arc;

use authsignal_client::IdempotencyKey;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use jiff::Timestamp;
use serde::Serialize;
use tracing::Span;

use super::body::Reading;
use super::guard::{Guard, Whose};
use super::layer::AuthsignalLayer;
use super::stop::Stop;
use super::token;
use crate::decided::trail::Trail;
use crate::domain::actor::Actor;
use crate::domain::coverage::Address;
use crate::domain::flow::{Admission, Flow, Moment, RequestId};
use crate::domain::place::{Name, Place};
use crate::random::random;
use crate::refusal::RefusalReason;
use crate::request::caller::SEC_FETCH_SITE;
use crate::response::headers::no_store;
use crate::store::flows::Holder;

/// What is known of a request before it is sent.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Requirement {
    /// It would pass by an approval of this browser's.
    Approved { until: String },
    /// It would be answered with the challenge that waits.
    Pending,
    /// Nobody knows before Authsignal is asked.
    Unknown,
}

impl AuthsignalLayer {
    /// A route by which a page can ask before the click whether its request would have to be proved. Mount it one segment
    /// below the guarded route, with a clone of the very layer that guards it, and inside the same session layer.
    ///
    /// The page asks with the request that it would send (method, query, headers and body) at that address, and is
    /// answered in JSON:
    ///
    /// | answer | the request |
    /// |---|---|
    /// | `{"status":"approved","until":"2026-01-15T10:05:00Z"}` | would pass by an approval of this user in this session and browser, until then or until it is spent |
    /// | `{"status":"pending"}` | would be answered with the challenge that waits |
    /// | `{"status":"unknown"}` | would be decided by Authsignal, or refused: nobody knows yet |
    ///
    /// It is answered from flows in the store alone: Authsignal is not asked, nothing is spent, written or begun, and nothing is
    /// said of what the user has enrolled. Who is not signed in, and [bearer](crate::User::bearer) clients, for whom nothing is
    /// remembered, are told `unknown`. Where an approval covers the [action](crate::Coverage::Action), a plain GET is enough, and the
    /// address may be any.
    ///
    /// Pages of the callback's own origin alone are told: anything else that a browser says of where it comes from
    /// (`Sec-Fetch-Site`, `Origin`) is refused with 403, also pages of [`page_origin`](crate::AuthsignalBuilder::page_origin).
    /// A store that fails is 503.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// fn app(authsignal: &Authsignal) -> Router {
    ///     let layer = AuthsignalLayer::new(authsignal, "withdrawal");
    ///     Router::new()
    ///         .route("/withdraw/step-up", layer.requirement())
    ///         .route("/withdraw", post(async || "done").route_layer(layer))
    /// }
    /// ```
    pub fn requirement<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let guard = Arc::new(self.guard.clone());
        any(move |request: Request| async move { guard.tell_requirement(request).await })
    }
}

impl Guard {
    async fn tell_requirement(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let mut response = match self.requirement(&mut parts, body).await {
            Ok(requirement) => requirement.respond(),
            Err(stop) => stop.respond(
                self,
                &parts,
                &Trail::new(&self.authsignal.listeners, IdempotencyKey::random(), Span::none()),
            ),
        };
        let headers = response.headers_mut();
        no_store(headers);
        headers
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
        response.map(Body::from)
    }

    async fn requirement(&self, parts: &mut Parts, body: Body) -> Result<Requirement, Stop> {
        let authsignal = &self.authsignal;
        token::take_off(parts)?;
        let address = Address::of(parts).await.parent();
        let (place, name) = authsignal.place_of(parts);
        let is_led = matches!(name, Name::Led);
        if !is_of_same_origin(parts, place) {
            return Err(RefusalReason::CrossSite.into());
        }
        let user = match authsignal.identify(parts).await {
            Ok(user) => user.filter(|user| !user.is_bearer && user.is_person()),
            Err(response) if response.status().is_server_error() => return Err(Stop::Respond(Box::new(response))),
            Err(_) => None,
        };
        let browser = authsignal.cookie.known(&parts.headers).filter(|known| known.was_challenged);
        let (Some(user), Some(browser), false) = (user, browser, is_led) else { return Ok(Requirement::Unknown) };
        let mut body = Reading::Unread(body);
        if self.policy.coverage.reads_body() || self.reader.is_some() {
            body = body.read(authsignal.body_limit).await?;
        }
        let read = self.reader.as_ref().zip(body.whole());
        let read = read.map(|(reader, whole)| reader.read(parts, whole, "en"));
        let Ok(read) = read.transpose() else { return Ok(Requirement::Unknown) };
        let transaction = read.map(|read| read.digest);
        if self.reader.is_some() && transaction.is_none() {
            return Ok(Requirement::Unknown);
        }
        let actor = &Actor::Person;
        let asker = Whose {
            user: &user.id,
            session: user.session.as_deref(),
            actor,
            account: &user.id,
            transaction: transaction.as_ref(),
        };
        let Some(binding) = self.binding(place, asker, &address, parts, body.whole()) else {
            return Ok(Requirement::Unknown);
        };
        let found = authsignal.flows.look(&Holder::Browser(browser.id), &binding, RequestId(random())).await?;
        Ok(found.map_or(Requirement::Unknown, |(admission, flow)| Requirement::of(&admission, &flow)))
    }
}

impl Requirement {
    fn of(admission: &Admission, flow: &Flow) -> Self {
        match admission {
            Admission::Pass(..) => Self::Approved { until: in_words(flow.stage.until) },
            Admission::SameChallenge => Self::Pending,
            Admission::Repeated
            | Admission::Insufficient(_)
            | Admission::UnderReview
            | Admission::Refused(_)
            | Admission::Nothing => Self::Unknown,
        }
    }

    fn respond(&self) -> http::Response<Bytes> {
        let body = serde_json::to_vec(self).expect("a requirement is plain data");
        let mut response = http::Response::new(Bytes::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// The second that a moment is in, by RFC 3339.
fn in_words(moment: Moment) -> String {
    let seconds = i64::try_from(moment.unix_seconds()).ok();
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX).to_string()
}

/// Whether a browser says nothing else than that a page of the callback's own origin asks (threat T42). What sends neither
/// header is no browser of today, and reads no more than its own cookie opens.
fn is_of_same_origin(parts: &Parts, place: &Place) -> bool {
    let all = |name: HeaderName| parts.headers.get_all(name).into_iter();
    all(SEC_FETCH_SITE).all(|site| site == "same-origin") && all(header::ORIGIN).all(|origin| place.is_origin(origin))
}
