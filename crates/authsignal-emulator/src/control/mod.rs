//! What stands under `/emulator`: the dashboard, and JSON for tests in other languages.
//!
//! What there is stands in the documentation of the [emulator](super). Everything here is its own and no part of the
//! service, so it doesn't ask for the service's key, is not remembered among the requests, and no injected fault hits it. Errors have the
//! service's form.
//!
//! # Who is let in
//!
//! Whoever gets in here reads every code and passes every challenge. On loopback that is anybody with an account on this
//! machine, which an emulator is for. The ones to keep out are pages in the developer's browser, which reach loopback
//! too: any site that is open in another tab (T103).
//!
//! 1. *Reading across origins.* There is no CORS, so a page of another origin doesn't see answers; the headers
//!    `Cross-Origin-Resource-Policy` and `nosniff` keep them out of its process, and the dashboard can't be framed.
//! 2. *DNS rebinding*: a name of the attacker's that suddenly means 127.0.0.1 makes both the same origin to the browser.
//!    But the request still carries that name. So the `Host` (and an absolute target) has to be `localhost`, an address
//!    of 127.0.0.0/8, `[::1]`, or the host of the public URL that the emulator was given.
//! 3. *Writing blindly*: a form or `fetch(…, { mode: "no-cors" })` is sent without asking. Browsers add `Origin` to it,
//!    and `Sec-Fetch-Site`; what changes something is refused when either is there and foreign, other ports of localhost
//!    included. Older browsers that leave both out can only send the content types of forms without asking first, and a
//!    body has to be `application/json` here.
//!
//! `GET /emulator/health` is for everybody, since it tells nothing but that the emulator is there.
//!
//! # From elsewhere
//!
//! An emulator that is bound to more than loopback can't know its names, and one with a public URL is reached by whoever
//! reaches that: through a tunnel or a proxy, which may well ask it as `localhost`, so that neither name nor address of a
//! request says whence it is. Both ask everybody for a [key](crate::http::control_key::ControlKey), reading included (T128). It is a random one unless
//! one was set. Open to all it is by name only: [`open_control`](crate::EmulatorBuilder::open_control).
//!
//! Browsers ask people for the key (HTTP Basic) and send it along by themselves from then on, also with what other sites
//! have them send: the third rule is needed with a key as well.
pub(crate) mod actions;
pub(crate) mod answer;
pub(crate) mod challenges;
pub(crate) mod clock;
pub(crate) mod dashboard;
pub(crate) mod directory;
pub(crate) mod faults;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod overview;
pub(crate) mod strict_json;
pub(crate) mod users;
pub(crate) mod watch;
pub(crate) mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post, put};

use crate::control::answer::nowhere;
use crate::state::AppState;

/// The routes below `/emulator`, and that itself.
pub(crate) fn routes(shared: &Arc<AppState>) -> Router<Arc<AppState>> {
    let below = Router::new()
        .route("/overview", get(overview::show))
        .route("/messages", get(watch::messages).delete(watch::clear_messages))
        .route("/requests", get(watch::requests).delete(watch::clear_received_requests))
        .route("/outcomes", get(actions::outcomes))
        .route("/outcomes/{action}", put(actions::set_outcome))
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/clock", get(clock::show).post(clock::turn))
        .route("/reset", post(clock::reset))
        .route("/users", get(users::list))
        .route("/users/{user}", get(users::show).put(users::put).delete(users::delete))
        .route("/actions", get(actions::list))
        .route("/actions/{user}/{action}/{key}/state", post(actions::decide))
        .route("/actions/{user}/{action}/{key}/{act}", post(actions::act))
        .route("/challenges", get(challenges::list))
        .route("/challenges/{challenge}/{act}", post(challenges::answer))
        .route("/challenge/{act}", post(challenges::act))
        .route("/webhooks", get(webhooks::list).put(webhooks::change))
        .route("/webhooks/flush", post(webhooks::flush))
        // A route of its own, so that the gateway sees that it is one of these.
        .route("/{*nowhere}", any(nowhere))
        .method_not_allowed_fallback(nowhere);
    Router::new()
        .route("/emulator", get(directory::show))
        .route("/emulator/", get(directory::show))
        .nest("/emulator", below)
        .route_layer(from_fn_with_state(Arc::clone(shared), guard::guard))
        // Probes have no key, and ask by any address.
        .route("/emulator/health", get(health::show).fallback(nowhere))
}
