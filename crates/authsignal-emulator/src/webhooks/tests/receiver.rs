//! An application that takes webhooks with this crate's own extractor, and answers as it was told.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_client::webhook::{Delivery, Event, Webhook};
use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use test_support::waiting::in_time;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::super::*;
use crate::webhooks::tests::SECRET;

/// It answers with 200 where it was told nothing else.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) arrived: mpsc::UnboundedReceiver<(HeaderMap, Delivery)>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct App {
    webhook: Webhook,
    arriving: mpsc::UnboundedSender<(HeaderMap, Delivery)>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    elsewhere: Arc<AtomicUsize>,
}

impl FromRef<App> for Webhook {
    fn from_ref(app: &App) -> Self {
        app.webhook.clone()
    }
}

/// No answer at all.
pub(super) const NEVER: u16 = 0;

async fn hook(State(app): State<App>, headers: HeaderMap, delivery: Delivery) -> (StatusCode, HeaderMap) {
    let answer = lock(&app.answers).pop_front().unwrap_or(200);
    app.arriving.send((headers, delivery)).unwrap();
    if answer == NEVER {
        std::future::pending::<()>().await;
    }
    let location = HeaderMap::from_iter([(header::LOCATION, "/elsewhere".parse().unwrap())]);
    (StatusCode::from_u16(answer).unwrap(), location)
}

impl Receiver {
    pub(super) async fn start(secret: &str, clock: &Clock) -> (Self, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (arriving, arrived) = mpsc::unbounded_channel();
        let webhook = Webhook::new(secret).unwrap().clock(clock.clone()).future_tolerance(Duration::ZERO);
        let app = App { webhook, arriving, answers: Arc::default(), elsewhere: Arc::default() };
        let (answers, elsewhere) = (Arc::clone(&app.answers), Arc::clone(&app.elsewhere));
        let count = |State(app): State<App>| async move { _ = app.elsewhere.fetch_add(1, Ordering::Relaxed) };
        let router = Router::new().route("/hook", post(hook)).route("/elsewhere", post(count)).with_state(app);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (Self { url, arrived, answers, server }, elsewhere)
    }

    pub(super) fn target(&self) -> Target {
        Target::new(&self.url, None).unwrap()
    }

    pub(super) fn answer(&self, answers: impl IntoIterator<Item = u16>) {
        lock(&self.answers).extend(answers);
    }

    /// The next delivery that arrives.
    pub(super) async fn next(&mut self) -> Vec<Event> {
        let (headers, delivery) = in_time("a webhook", self.arrived.recv()).await.unwrap();
        assert!(!format!("{headers:?}").contains(SECRET), "the secret itself is never sent");
        delivery.into_iter().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
