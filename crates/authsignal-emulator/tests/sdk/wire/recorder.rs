//! A server that writes down what it is asked, and answers as it was told.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::{Json, Router};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) parts: Parts,
    pub(super) body: Vec<u8>,
}

pub(super) struct Recorder {
    pub(super) origin: String,
    recorded: Arc<Mutex<Vec<Recorded>>>,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Starts one that answers the first request with the first of these, and so on.
    pub(super) async fn start(answers: Vec<Value>) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&recorded);
        let app = Router::new().fallback(async move |request: Request| {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            let mut answer = answers[book.len()].clone();
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            // The client takes no answer about another attempt than its own.
            if let (Some(told), Some(asked)) = (answer.get_mut("idempotencyKey"), asked.get("idempotencyKey")) {
                *told = asked.clone();
            }
            book.push(Recorded { parts, body });
            Json(answer)
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { origin, recorded, task }
    }

    pub(super) fn recorded(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
