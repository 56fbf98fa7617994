//! T101, and what each fault is answered with.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::routing::post;
use axum::{BoxError, Router};
use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::webhook::check::DEFAULT_BODY_LIMIT;
use crate::webhook::sign;

const EVENT: &str = r#"{"version":1,"id":"1","source":"s","time":"t","tenantId":"t","type":"fax.created","data":{}}"#;

#[derive(Clone)]
struct App {
    webhook: Webhook,
    handled: Arc<AtomicUsize>,
}

impl FromRef<App> for Webhook {
    fn from_ref(app: &App) -> Self {
        app.webhook.clone()
    }
}

impl App {
    fn new() -> Self {
        let clock = Clock::manual(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_768_471_200));
        Self { webhook: Webhook::new("secret").unwrap().clock(clock), handled: Arc::default() }
    }

    async fn send(&self, headers: &[HeaderValue], body: Body) -> Response {
        let hook = |axum::extract::State(app): axum::extract::State<Self>, delivery: Delivery| async move {
            app.handled.fetch_add(delivery.events().len(), Ordering::Relaxed);
        };
        let app = Router::new().route("/", post(hook)).with_state(self.clone());
        let mut request = Request::post("/").body(body).unwrap();
        for header in headers {
            request.headers_mut().append(SIGNATURE_HEADER, header.clone());
        }
        app.oneshot(request).await.unwrap()
    }

    /// Sends what is signed.
    async fn send_signed(&self, body: &str) -> Response {
        self.send(&[self.header(body)], Body::from(body.to_owned())).await
    }

    fn header(&self, body: &str) -> HeaderValue {
        self.webhook.sign(body.as_bytes()).try_into().unwrap()
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::Relaxed)
    }
}

/// The status, and the reason of the document, which has to be that of the typed one beside it.
async fn reason(response: Response) -> (u16, String) {
    let rejection = response.extensions().get::<WebhookRejection>().expect("the typed reason").clone();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.status(), rejection.status());
    let status = response.status().as_u16();
    let problem = response.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
    assert_eq!((&problem["status"], &problem["reason"]), (&status.into(), &rejection.reason().into()));
    (status, problem["reason"].as_str().unwrap().to_owned())
}

/// A body that counts how often it is asked for more, and has the same answer each time.
struct Asked {
    times: Arc<AtomicUsize>,
    answer: fn() -> Poll<Option<Result<Frame<Bytes>, BoxError>>>,
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.times.fetch_add(1, Ordering::Relaxed);
        (self.answer)()
    }
}

fn asked(answer: fn() -> Poll<Option<Result<Frame<Bytes>, BoxError>>>) -> (Body, Arc<AtomicUsize>) {
    let times = Arc::new(AtomicUsize::new(0));
    (Body::new(Asked { times: Arc::clone(&times), answer }), times)
}

fn endless() -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1024])))))
}

#[tokio::test]
async fn what_is_signed_is_handled() {
    let app = App::new();
    assert_eq!(app.send_signed(EVENT).await.status(), StatusCode::OK);
    let record = EVENT.replace("data", "record");
    let batch = format!(r#"{{"records":[{record},{record},{record}]}}"#);
    assert_eq!(app.send_signed(&batch).await.status(), StatusCode::OK);
    assert_eq!(app.handled(), 4);
}

/// T100: and nothing that is refused reaches the handler.
#[tokio::test]
async fn t100_every_fault_has_its_answer() {
    let app = App::new();
    let right = app.header(EVENT);
    let header = HeaderValue::from_static;
    let ahead = App { webhook: app.webhook.clone().future_tolerance(std::time::Duration::ZERO), ..app.clone() };
    let later = sign(["secret"], 1_768_471_201, EVENT.as_bytes()).try_into().unwrap();
    let cases: [(&str, &App, Vec<HeaderValue>, &str, u16, &str); 9] = [
        ("no header", &app, vec![], EVENT, 400, "signature_format"),
        ("two headers", &app, vec![right.clone(), right.clone()], EVENT, 400, "signature_format"),
        ("no header that it could be", &app, vec![header("123")], EVENT, 400, "signature_format"),
        ("no text", &app, vec![HeaderValue::from_bytes(b"t=1,v2=\xff").unwrap()], EVENT, 400, "signature_format"),
        ("too old", &app, vec![header("t=1768470899,v2=a")], EVENT, 401, "signature_tolerance"),
        ("ahead, where that counts", &ahead, vec![later], EVENT, 401, "signature_tolerance"),
        ("forged", &app, vec![header("t=1768471200,v2=a")], EVENT, 401, "signature_mismatch"),
        ("for another body", &app, vec![right], "{}", 401, "signature_mismatch"),
        ("no event", &app, vec![app.header("{}")], "{}", 400, "payload"),
    ];
    for (name, app, headers, body, status, want) in cases {
        assert_eq!(reason(app.send(&headers, Body::from(body)).await).await, (status, want.to_owned()), "{name}");
    }
    assert_eq!(app.handled(), 0);
}

/// T101: who has no header of the present time is not listened to.
#[tokio::test]
async fn t101_a_body_is_not_read_for_a_bad_header() {
    let app = App::new();
    for header in ["", "123", "t=1,v2=a", "t=now,v2=a"] {
        let (body, times) = asked(endless);
        let (status, _) = reason(app.send(&[HeaderValue::from_static(header)], body).await).await;
        assert!(matches!(status, 400 | 401), "{header:?}: {status}");
        assert_eq!(times.load(Ordering::Relaxed), 0, "{header:?}");
    }
}

/// T101: at the limit, past it, and without end.
#[tokio::test]
async fn t101_a_body_past_the_limit_is_not_read_to_its_end() {
    let mut app = App::new();
    let too_large = (413, "body_too_large".to_owned());
    for (limit, want) in [(EVENT.len(), 200), (EVENT.len() - 1, 413), (0, 413)] {
        app.webhook = app.webhook.body_limit(limit);
        assert_eq!(app.send_signed(EVENT).await.status().as_u16(), want, "{limit}");
    }
    app.webhook = app.webhook.body_limit(10 * 1024);
    let (body, times) = asked(endless);
    assert_eq!(reason(app.send(&[app.header(EVENT)], body).await).await, too_large);
    assert_eq!(times.load(Ordering::Relaxed), 11, "of a KiB each");

    let long = Body::from(vec![b' '; DEFAULT_BODY_LIMIT + 1]);
    let app = App::new();
    assert_eq!(reason(app.send(&[app.header(EVENT)], long).await).await, too_large);
}

/// T101: by the clock that tests can pause.
#[tokio::test(start_paused = true)]
async fn t101_a_slow_body_is_given_up() {
    let app = App::new();
    let (body, _) = asked(|| Poll::Pending);
    assert_eq!(reason(app.send(&[app.header(EVENT)], body).await).await, (408, "body_too_slow".to_owned()));
    let (body, _) = asked(|| Poll::Ready(Some(Err("cut".into()))));
    assert_eq!(reason(app.send(&[app.header(EVENT)], body).await).await, (400, "body_unreadable".to_owned()));
    assert_eq!(app.handled(), 0);
}
