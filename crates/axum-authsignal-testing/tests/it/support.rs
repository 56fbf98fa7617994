//! An application with a strict session cookie, and somebody signed in to it.
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, post};
use axum::{Form, Router};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, Coverage, User, Verdict};
use axum_authsignal_testing::{Browser, Outcome, TestAuthsignal};
use std::time::Duration;

#[derive(serde::Deserialize)]
pub(crate) struct SignIn {
    user: String,
}

fn user(headers: &HeaderMap) -> Option<User> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session=")).map(User::new)
}

async fn ran(verdict: Option<Verdict>, body: String) -> String {
    format!("ran with {body:?}: {}", verdict.is_some_and(|verdict| verdict.is_verified()))
}

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Router {
    let identify = |headers: HeaderMap| async move { user(&headers) };
    let authsignal = authsignal.identify(identify).build().unwrap();
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let kept = guard("kept").covers(Coverage::Action).remember(Duration::from_secs(600));
    Router::new()
        .route("/", get(async || "home"))
        .route(
            "/parts",
            get(async || {
                axum::response::Html(
                    "<form method=post action=/pay enctype=multipart/form-data><input name=to><input type=file name=receipt>\
                     <input type=file name=more><button>Send</button></form>",
                )
            }),
        )
        .route("/open", any(ran))
        .route(
            "/sign-in",
            post(async |Form(SignIn { user }): Form<SignIn>| {
                ([(header::SET_COOKIE, format!("session={user}; SameSite=Strict; Path=/"))], Redirect::to("/"))
            }),
        )
        .route("/sign-out", post(async || ([(header::SET_COOKIE, "session=; Max-Age=0; Path=/")], Redirect::to("/"))))
        .route("/cookie", get(async |Query(SignIn { user }): Query<SignIn>| [(header::SET_COOKIE, user)]))
        .route("/loop", get(async || Redirect::to("/loop")))
        .route("/away", get(async || Redirect::to("https://other.example.com/")))
        .route("/seen", any(seen))
        .route("/moved", post(async || Redirect::temporary("/seen")))
        .route("/found", post(async || (StatusCode::FOUND, [(header::LOCATION, "/seen")])))
        .route("/pay", any(ran).layer(guard("pay")))
        .route("/then-pay", get(async || Redirect::to("/pay")))
        .route("/kept", any(ran).layer(kept))
        .merge(authsignal.routes())
}

/// What the browser says of a request.
async fn seen(method: axum::http::Method, headers: HeaderMap, body: String) -> impl IntoResponse {
    let say = |name: &str| headers.get(name).map_or("-", |value| value.to_str().unwrap());
    let told = ["sec-fetch-site", "sec-fetch-mode", "origin", "referer", "content-type"].map(say).join(" ");
    format!("{method} {told} {body:?}")
}

pub(crate) async fn signed_in(outcome: Outcome) -> Browser {
    let authsignal = TestAuthsignal::new().enroll("ada").outcome("pay", outcome).outcome("kept", outcome);
    let browser = authsignal.browser(app(authsignal.builder()));
    browser.post_form("/sign-in", [("user", "ada")]).await.assert_text("home").browser().clone()
}
