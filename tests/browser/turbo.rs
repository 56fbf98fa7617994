//! Turbo 8 under a strict policy: forms, frames and streams lead to the challenge and back, and what they do is done once.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::{Emulator, Endpoint, Outcome};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalLayer, Verdict};
use serde_json::json;
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

/// Nothing inline, but for the style of Turbo's own bar.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'nonce-bar'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const FORMS: &str = r#"<form action="/form" method="post"><input type="hidden" name="to" value="Zoë & Co +1">
<button>Pay by form</button></form>
<turbo-frame id="box"><form action="/frame" method="post"><input type="hidden" name="to" value="Zoë & Co +1">
<button>Pay by frame</button></form></turbo-frame>
<form action="/stream" method="post"><input type="hidden" name="to" value="Zoë & Co +1"><button>Pay by stream</button></form>
<form action="/form" method="post" enctype="multipart/form-data"><textarea name="to" aria-label="To">Zoë
&amp; Co +1</textarea><button>Pay by multipart form</button></form>
<form action="/blocked" method="post"><button>Pay what is blocked</button></form>
<turbo-frame id="barred"><form action="/blocked" method="post"><button>Pay what is blocked in the frame</button></form></turbo-frame>
<form action="/stream" method="post"><textarea name="to" aria-label="To">Zoë
Co</textarea><button>Pay two lines</button></form>
<form action="/delete" method="delete"><button>Delete</button></form>
<p class="streamed">Nothing yet</p>"#;

struct Shop {
    ada: Visitor,
    emulator: Emulator,
    ran: Arc<AtomicUsize>,
}

async fn shop(content: &'static str) -> Shop {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal =
        handle(&emulator, &site).refusal_budget(10_000, std::time::Duration::from_secs(60)).build().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let guarded = |respond: fn(&HeaderMap) -> Response| {
        let ran = Arc::clone(&ran);
        let handler = async move |verdict: Verdict, headers: HeaderMap, body: axum::body::Bytes| {
            assert!(verdict.is_verified());
            assert!(body.is_empty() || String::from_utf8_lossy(&body).contains("Zo"), "{body:?}");
            ran.fetch_add(1, Ordering::SeqCst);
            respond(&headers)
        };
        axum::routing::any(handler).layer(AuthsignalLayer::new(&authsignal, "pay"))
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/@hotwired/turbo/dist/turbo.es2017-esm.js");
    let script = std::fs::read_to_string(&script).unwrap_or_else(|error| panic!("run `npm ci`: {script:?}: {error}"));
    let shop = move || {
        let mut html = page("Shop", content).0;
        html = html.replace(
            "</head>",
            "<meta name=\"csp-nonce\" content=\"bar\"><script type=\"module\" src=\"/turbo.js\"></script></head>",
        );
        axum::response::Html(html)
    };
    let to_done = |_: &HeaderMap| Redirect::to("/done").into_response();
    let app = Router::new()
        .route("/", get(async move || shop()))
        .route("/done", get(async || page("Paid", "")))
        .route("/form", guarded(to_done))
        .route("/delete", guarded(to_done))
        .route(
            "/frame",
            guarded(|headers| {
                let frame = "<turbo-frame id=\"box\"><p class=\"framed\">Paid in the frame</p></turbo-frame>";
                if headers.contains_key("turbo-frame") {
                    axum::response::Html(frame).into_response()
                } else {
                    page("Paid", frame).into_response()
                }
            }),
        )
        .route(
            "/stream",
            guarded(|headers| {
                let accept = headers.get(header::ACCEPT).map_or("", |accept| accept.to_str().unwrap());
                if !accept.contains("turbo-stream") {
                    return Redirect::to("/done").into_response();
                }
                let stream =
                    "<turbo-stream action=\"update\" targets=\".streamed\"><template>Paid</template></turbo-stream>";
                ([(header::CONTENT_TYPE, "text/vnd.turbo-stream.html")], stream).into_response()
            }),
        )
        .route("/favicon.ico", get(async || ()))
        .route("/turbo.js", get(async move || ([(header::CONTENT_TYPE, "text/javascript")], script)))
        .route("/blocked", post(async || page("Never", "")).layer(AuthsignalLayer::new(&authsignal, "blocked")))
        .layer(map_response(async |mut response: Response| {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            response
        }))
        .merge(authsignal.routes());
    serve(listener, app);
    emulator.set_outcome("blocked", Outcome::Block);
    Shop { ada: Visitor::arrive_at(site, json!({})).await, emulator, ran }
}

impl Shop {
    async fn presses(&self, button: &str) {
        self.ada.open("/").await;
        self.ada.sees("Shop").await;
        self.ada.click(button).await;
    }

    fn counts(&self) -> (usize, usize) {
        (self.emulator.calls(Endpoint::Track), self.ran.load(Ordering::SeqCst))
    }
}

/// C8: each form is proved, comes back as a page of ours, and is done once.
#[tokio::test]
async fn c8_every_form_of_turbo_is_proved_and_done_once() {
    let shop = shop(FORMS).await;
    let ada = &shop.ada;
    let forms = [("form", "/done"), ("frame", "/frame"), ("stream", "/done"), ("multipart form", "/done")];
    for (index, (form, ends)) in forms.into_iter().enumerate() {
        shop.presses(&format!("Pay by {form}")).await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
        assert!(!ada.address().await.as_str().contains("token="), "{form}");
        assert_eq!(shop.counts(), (index + 1, index), "{form}: nothing is done before the click");
        ada.click("Continue").await;
        ada.sees("Paid").await;
        ada.is_at(ends).await;
        assert_eq!(shop.counts(), (index + 1, index + 1), "{form}");
    }
    shop.ada.leaves().await;
}

/// C8: who leaves the challenge, and who fails it, is told so, and nothing is done.
#[tokio::test]
async fn c8_a_challenge_of_turbo_that_is_left_is_told_from_one_that_failed() {
    let shop = shop(FORMS).await;
    let ada = &shop.ada;
    for form in ["form", "frame", "stream", "multipart form"] {
        shop.presses(&format!("Pay by {form}")).await;
        ada.leaves_and_then_fails("Pay").await;
    }
    assert_eq!(shop.counts(), (4, 0));
    shop.ada.leaves().await;
}

/// What cannot be posted by a page is asked for once more by the page that it was on, and passes then.
#[tokio::test]
async fn c8_what_no_form_sends_is_sent_again_by_its_user() {
    let shop = shop(FORMS).await;
    let ada = &shop.ada;
    shop.presses("Delete").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Shop").await;
    ada.click("Delete").await;
    ada.sees("Paid").await;
    assert_eq!(shop.counts(), (1, 1));
    // Turbo does not write the line breaks of a urlencoded form as forms do.
    shop.presses("Pay two lines").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Shop").await;
    ada.click("Pay two lines").await;
    ada.reads(".streamed", "Paid").await;
    assert_eq!(shop.counts(), (2, 2));
    shop.ada.leaves().await;
}

/// C8: a refusal is seen where the form was: in the page, or in its frame.
#[tokio::test]
async fn c8_what_turbo_is_refused_is_said_in_its_place() {
    let shop = shop(FORMS).await;
    let ada = &shop.ada;
    shop.presses("Pay what is blocked").await;
    ada.sees("This was refused").await;
    ada.is_at("/").await;
    ada.click("Continue").await;
    ada.sees("Shop").await;
    ada.click("Pay what is blocked in the frame").await;
    ada.waits_until("document.querySelector('#barred h2')?.textContent === 'This was refused'").await;
    ada.sees("Shop").await;
    ada.click("Continue").await;
    ada.waits_until("!document.querySelector('#barred h2')").await;
    ada.sees("Shop").await;
    shop.ada.leaves().await;
}

/// C8: a frame that is loaded by the page, or by a link in it, is no blank: it leads to the challenge, and is there afterwards.
#[tokio::test]
async fn c8_a_frame_of_turbo_is_there_after_its_challenge() {
    for (content, link) in [
        ("<turbo-frame id=\"box\" src=\"/frame\"></turbo-frame>", None),
        ("<turbo-frame id=\"box\"><a href=\"/frame\">Open</a></turbo-frame>", Some("Open")),
    ] {
        let shop = shop(content).await;
        let ada = &shop.ada;
        ada.open("/").await;
        if let Some(link) = link {
            ada.click(link).await;
        }
        ada.confirms("Pay").await;
        ada.sees("Shop").await;
        ada.is_at("/").await;
        if let Some(link) = link {
            ada.click(link).await;
        }
        ada.reads(".framed", "Paid in the frame").await;
        ada.sees("Shop").await;
        assert_eq!(shop.counts(), (1, 1));
        shop.ada.leaves().await;
    }
}
