//! The layer in front of a route: what passes, what is challenged, what is refused.
//!
//! # The rules
//!
//! A request passes exactly when one of these is true:
//!
//! 1. It is a CORS preflight as browsers send them, on nobody's behalf: `OPTIONS` with `Origin` and
//!    `Access-Control-Request-Method`, without a cookie, a credential or a body, and `identify` names nobody (for a
//!    preflight alone, an extractor that refuses counts as that). Nothing else is exempt; `HEAD` is `GET`, and a request to
//!    upgrade (WebSocket) is one like any other, decided once; what comes through it afterwards is decided message by message
//!    where the handler asks ([`Authsignal::decide`](crate::Authsignal::decide)), and not at all elsewhere.
//! 2. An outer [`AuthsignalLayer`] has passed it, and was asked the very same: same tenant, user, session, action, method,
//!    address, data told ([`custom`](AuthsignalLayer::custom) included), and as much. It answers once: copies of a request
//!    with its extensions (a retry, a sub-request) are requests of their own.
//! 3. It brings our cookie, and a flow of this very browser, user, session, action and covered request was approved,
//!    within its time, and not spent by another request. It is spent before the handler runs. Where the flow still waits, a
//!    token in the header `authsignal-token` is validated first (see [below](#programs)). Or it waits for a
//!    [review](AuthsignalLayer::review), and somebody let it pass; or Authsignal asks for a challenge, and the route takes a
//!    [sign-in](AuthsignalLayer::accepts_sign_in) that is young enough.
//! 4. Authsignal answers `ALLOW`, for a user with something enrolled, or for any user where
//!    [`Unenrolled::Allow`](crate::Unenrolled::Allow) stands; or it answers that this attempt is settled
//!    (`CHALLENGE_SUCCEEDED`, `REVIEW_SUCCEEDED`; the first passes no route that names methods or an age).
//! 5. Authsignal cannot be reached, does not answer in time or fails (5xx), and the route lets requests pass then:
//!    [`on_outage`](AuthsignalLayer::on_outage) within a budget, or [`fallback`](AuthsignalLayer::fallback) with a proof of the
//!    application's own, once. No route does unless it says so.
//! 6. Its route does not ask about it, and says so of each such request: it is switched [off](AuthsignalLayer::off), its
//!    [condition](AuthsignalLayer::when) said no, its user is not in the [share](AuthsignalLayer::share) that is asked, or the route
//!    is only [observed](AuthsignalLayer::observe). Somebody has to be signed in for all that.
//!
//! Where no person is behind a request, or somebody acts as its user, it passes by 6, and else only as its route says of
//! [machines](AuthsignalLayer::machines) and [impersonation](AuthsignalLayer::impersonation): no route takes it unless it says so.
//!
//! It is challenged when Authsignal answers `CHALLENGE_REQUIRED`, when a challenge for the same thing still waits (the
//! same one again, without asking Authsignal), and where [`Unenrolled::Enrol`](crate::Unenrolled::Enrol) meets a user
//! with nothing enrolled. A review waits where the route says so (202). Everything else is refused: no user (401), any other
//! state, known or new (403), a body that is none of the route's [transaction](AuthsignalLayer::transaction) (400, 413, 415, 422),
//! and every other fault, Authsignal's or the store's (503, with `Retry-After` where it is over by itself).
//!
//! What a page of another origin makes a browser send with an unsafe method (`Sec-Fetch-Site`, or else `Origin`) passes by no
//! approval and is never challenged: where Authsignal asks for a challenge it is refused (403,
//! [`RefusalReason::CrossSite`](crate::RefusalReason::CrossSite)). Pages of yours on other origins are listed by
//! [`page_origin`](crate::AuthsignalBuilder::page_origin). What Authsignal allows passes from anywhere: the application's own
//! defence against request forgery is its own affair.
//!
//! A request that Authsignal allows costs one call upstream, and its body goes on untouched, and unread unless the route reads a
//! [transaction](AuthsignalLayer::transaction). Elsewhere the body is read, up to a limit, only for a browser that has been challenged before, or once Authsignal asks for a challenge.
//!
//! # What callers see
//!
//! | caller | challenge | refusal |
//! |---|---|---|
//! | browser going to a page (`Sec-Fetch-Mode: navigate`, or `Accept` with `text/html` and JSON no better liked) | 303 to the challenge | small page |
//! | htmx (`HX-Request`) | 403 problem with `HX-Redirect` | problem |
//! | everything else | 403 problem with `url`, `token`, `idempotencyKey`, `expiresAt` (Unix seconds) | problem |
//! | `Authorization: Bearer`, after [`bearer_challenges`](crate::AuthsignalBuilder::bearer_challenges) | 401 with `WWW-Authenticate` (RFC 9470) and the same problem | problem |
//! | browser or library that asks ahead of its user | 503 with nothing in it | the same |
//!
//! A request that waits for a review gets 202: a page with "Look again" for browsers, a problem for everything else.
//!
//! # Programs
//!
//! A script in a page, or any other client, gets the problem, has its user prove the challenge by whatever means (its `url` in
//! a window, a popup or frame of Authsignal's browser SDK, the client SDKs with its `token`), and repeats the very same
//! request. Whoever went over the callback is let through by the cookie. Whoever got the token of the proof in another way
//! sends it along in the header `authsignal-token`: it is validated, matched to its flow, spent, and passed, in one request.
//! Without a flow that waits nothing is validated, and the header is taken off before an extractor or the handler sees it. A token
//! that proves nothing is refused (403), one that cannot be read as well (400), and one whose request has just passed is
//! answered with 409. Calls to another origin than the page's need the header in the answer's `Access-Control-Allow-Headers`.
//!
//! Before the click a page can ask whether its request would have to be proved:
//! [`AuthsignalLayer::requirement`] is a route beside the guarded one that tells.
//!
//! Clients without a cookie (mobile apps, other services) are [bearer](crate::User::bearer) users: their flows are found by user
//! and session alone, pass by the header only, once, and are never remembered.
//!
//! Each answer carries a typed [`Refusal`](crate::Refusal) in its extensions.
//! [`AuthsignalBuilder::respond`](crate::AuthsignalBuilder::respond) changes how they look, and how the pages do that people
//! see on the way back; [`app_name`](crate::AuthsignalBuilder::app_name), [`logo`](crate::AuthsignalBuilder::logo) and
//! [`accent_color`](crate::AuthsignalBuilder::accent_color) make ours the application's. They speak English, German, French
//! and Spanish, and what [`language`](crate::AuthsignalBuilder::language) adds.
//!
//! # Requests ahead of the user
//!
//! A prefetch is declined before anybody is identified: nothing is tracked, no approval is spent, no cookie is set. Declined
//! means 503, since Chromium takes any success for the answer to the click that follows; the click is then asked again.
//! Whatever counts a server's errors, `TraceLayer` too, counts these: leave those with
//! [`RefusalReason::Prefetch`](crate::RefusalReason::Prefetch) out. What
//! counts as one: `Sec-Purpose`, `Purpose`, `X-Purpose`, `X-Moz` and `X-Sec-Purpose` (Turbo 8) with `prefetch`, `prerender` or
//! `preview`; `HX-Preloaded` (htmx's preload extension), `VND.PREFETCH` (Turbo 7), `Next-Router-Prefetch` and
//! `X-Middleware-Prefetch` (Next.js) with `true` or a number.
//!
//! Swup's preload plugin, Barba, Livewire's `wire:navigate.hover`, Unpoly's `up-preload` and SvelteKit's `data-sveltekit-preload-data`
//! say nothing of the kind, so that such a request is one like any other and can spend an approval: switch preloading off
//! for links to guarded routes.
//!
//! # What a browser sends again
//!
//! After the proof a browser is sent to the page that it asked for, or shown the form that it posted, which a click posts
//! again: byte for byte, since an approval of a request is for its bytes ([`Coverage::Request`](crate::Coverage::Request)).
//! So a form is kept only if a browser would write it as it came: `application/x-www-form-urlencoded` or
//! `multipart/form-data`, in UTF-8, every field with a name, at most 256 fields and 16 KiB, from a page of the application's
//! own. Of a file its name is kept: the user chooses it again there, or goes back to the form. Anything else (another charset,
//! a body by a script, what is too long, a secret of several lines) the user sends again from where they were, and is told
//! which fields it was; it passes if it is the same. What Turbo sends, and what htmx sends for a boosted form, counts as the
//! form that it is, as long as it is written as one: Turbo's line breaks outside of multipart forms and the blanks of htmx 2
//! are not. Clients repeat their requests by themselves, and have to write the same bytes: only the boundary of a multipart
//! form may be another.
//!
//! # Handlers that ask, jobs that wait
//!
//! A handler that knows only once it has read the request what is to be proved takes a [`StepUp`], whose approvals are
//! for its data points, too. What has no request is decided by [`Authsignal::decide`](crate::Authsignal::decide). A sign-in that
//! the application had proved stands for a challenge where a route [says so](AuthsignalLayer::accepts_sign_in). All three go by
//! the rules above; `docs/handlers.md` in the repository has them on one page.
//!
//! # Where to put the layer
//!
//! - On the method router, with `route_layer`: `post(withdraw).route_layer(layer)`. Then a method that the route does not
//!   have gets its 405 without asking Authsignal. `MethodRouter::layer`, `Router::layer` and `Router::route_layer` work
//!   too, and ask for such requests as well.
//! - Below the layer that makes the session, so that the user is known: the session's `.layer(..)` comes after.
//! - Inside CORS, tracing and compression, outside nothing that changes the body in the same `ServiceBuilder`.
//! - Or on the whole router, as a table of [`Actions`](crate::Actions) by method and route, with `Router::route_layer` after its last
//!   route. What the table does not name is refused.
//! - Routes that are added after a `.layer` are not guarded, and neither is a fallback by `route_layer`, nor the handler
//!   of `any(..)` in a method router, which is one. A handler that takes a [`Verdict`](crate::Verdict) runs behind some
//!   layer, which may be one around the whole router; one that takes a [`VerdictFor`](crate::VerdictFor) its
//!   [`Action`](crate::Action) runs behind that action's alone.
//! - Layers that change the method or the path (a method override, `NormalizePath`, a tenant's path from the `Host`) go
//!   outside this one, so that what was approved is what runs: the address as received and as it is at the layer.
//! - Two layers on one route, for different actions, both have to be passed. Where both challenge, the user proves the
//!   outer one twice, since its approval is spent on the way to the inner one.
//! - A layer against request forgery whose tokens are good for one use goes inside this one, so that it sees a form once:
//!   when it is posted again. A form that is rendered anew with another token is another request.
//! - The callback ([`Authsignal::routes`](crate::Authsignal::routes)) goes outside the guarded routes and inside the
//!   session.
//! - `TraceLayer` writes whole addresses at `debug`, and the callback's carries a token:
//!   [`request_span`](crate::request_span) makes spans without it. An access log in front is told by its own means, nginx's by
//!   `$uri` in the place of `$request`.
//! - If the application sends a `Content-Security-Policy` with `form-action`, add the challenge's origin
//!   (`https://mfa.authsignal.com` or your custom domain): browsers apply it to where a post is redirected.
//!
//! # What an approval cannot do
//!
//! It shows that the user proved who they are for what is covered. It does not replace the application's own checks, which
//! run again with every request. Whoever runs script in the user's page can ride an approval that is remembered; one that
//! covers the request, whose details the challenge shows, resists that. A user who approves without reading is beyond
//! any of this: whoever holds their session can begin a challenge, cancel it, have them finish it and replay the way back, since the service's answer is
//! about the attempt, and does not say in which browser it was proved.
//!
//! Whoever can write to the store can make no approval and change none, but can put back one of their own as it was before
//! it was spent, and use it again until it runs out.
//!
//! It ends with a sign-out or a new password where the application says so, by [`forget`](crate::Authsignal::forget) or
//! [`revoke`](crate::Authsignal::revoke), or where [`User::session`](crate::User::session) names a session that ends then;
//! elsewhere it lasts until its own end, at most the time that a layer [remembers](AuthsignalLayer::remember). Whoever can
//! delete a record of the store's can undo a revocation. Which method is strong enough is for
//! rules of the service, unless the route [names some](AuthsignalLayer::methods); the [`Verdict`](crate::Verdict) says what it was.
//!
//! As long as the store forgets no write that it has confirmed, it is never used twice. A Redis that fails over, or a machine
//! that loses power under `appendfsync everysec`, may forget that it was spent, and it is good once more until it runs out
//! (`docs/stores.md` in the repository). It can be lost: by a store that forgets it, or where a request spends it and does not
//! learn so, or never gets to its handler, and before that is put right a second request for the very same thing begins a
//! challenge of its own. The user is asked once more.
//!
//! Where [`Unenrolled::Enrol`](crate::Unenrolled::Enrol) stands, whoever holds a session is the first to enrol, a thief of
//! it as well; `Deny` is the policy that resists that.
//!
//! Guesses are answered as fast as they come: a flow's name has 256 random bits, and nothing here counts them by address.
//! Our cookie and a flow's name are looked up by hashes and open a record or none: neither is compared with one that is
//! stored. How long an answer takes was measured in one process, and not over a network
//! (`docs/security.md` in the repository).
//!
//! A browser has one id, in one cookie. A guarded page that is passed gives it, and so does any page under
//! [`Authsignal::browser_layer`](crate::Authsignal::browser_layer), unless a shared cache may keep the page. Requests that
//! are challenged at the very same moment, in a browser that has no id yet, get one each, of which the browser keeps one;
//! the others start again.
//!
//! # Example
//!
//! ```
//! use axum::body::Body;
//! use axum::http::{HeaderMap, Request, StatusCode};
//! use axum::{Router, routing::get};
//! use authsignal_emulator::{Emulator, Endpoint, Outcome, Fault};
//! use axum_authsignal::{Authsignal, AuthsignalLayer, Outage, Refusal, RefusalReason, User, Verdict};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::in_process()?; // No socket, no port, no waiting.
//! emulator.user("ada").enroll_email_otp("ada@example.com");
//! let authsignal = Authsignal::builder(emulator.client())
//!     .callback_url("https://app.example.com/authsignal/callback")
//!     .identify(|headers: HeaderMap| async move { Some(User::new(headers.get("x-user")?.to_str().ok()?)) })
//!     .build()?;
//! let app: Router = Router::new()
//!     .route(
//!         "/export",
//!         get(|verdict: Verdict| async move { format!("{:?}", verdict.grounds()) })
//!             .route_layer(AuthsignalLayer::new(&authsignal, "export")),
//!     )
//!     .merge(authsignal.routes());
//! let ask = || Request::get("/export").header("x-user", "ada").header("accept", "text/html").body(Body::empty());
//!
//! // Allowed: the handler runs.
//! emulator.set_outcome("export", Outcome::Allow);
//! assert_eq!(app.clone().oneshot(ask()?).await?.status(), StatusCode::OK);
//!
//! // Challenged: the browser is sent to the challenge.
//! emulator.set_outcome("export", Outcome::Challenge);
//! let response = app.clone().oneshot(ask()?).await?;
//! assert_eq!(response.status(), StatusCode::SEE_OTHER);
//! assert!(response.headers()["location"].to_str()?.starts_with(emulator.origin()));
//!
//! // Blocked.
//! emulator.set_outcome("export", Outcome::Block);
//! assert_eq!(app.clone().oneshot(ask()?).await?.status(), StatusCode::FORBIDDEN);
//!
//! // An outage is closed.
//! emulator.inject_fault(Endpoint::Track, Fault::status(503).times(9));
//! let response = app.clone().oneshot(ask()?).await?;
//! assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
//! let refusal = response.extensions().get::<Refusal>().ok_or("no reason")?;
//! assert_eq!(refusal.reason(), &RefusalReason::Outage(Outage::Server));
//! # Ok(())
//! # }
//! ```
mod asked;
mod body;
mod browser;
mod careful;
mod case;
mod covering;
mod failover;
mod fallback;
mod future;
mod guard;
mod handler;
mod judge;
mod layer;
mod observe;
mod overlooked;
mod particulars;
mod requirement;
mod resume;
mod service;
mod signed_in;
mod stop;
mod table;
mod token;
mod tracked;
mod transaction;
mod unasked;
mod when;

pub use body::{RefusalBody, ReplayBody};
pub use browser::{BrowserFuture, BrowserLayer, BrowserService};
pub use fallback::FallbackRequest;
pub use future::ResponseFuture;
pub use handler::decide::{Decide, Decision};
pub use handler::layer::{StepUpLayer, StepUpService};
pub use handler::pending::{InvalidDecisionId, PendingDecision, Waited};
pub use handler::step_up::{MissingStepUpLayer, StepUp, StepUpResponse};
pub use layer::AuthsignalLayer;
pub use service::AuthsignalService;
pub use table::ActionsService;
pub(crate) use table::{Named, Table};
pub use when::{Ask, IntoAsk, WhenRequest};
