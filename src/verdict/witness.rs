//! Who sees, in a test, on what grounds requests pass.
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;

use super::Verdict;

/// Sees the verdicts of the requests that carry it in their extensions: of each layer that lets one pass, the outermost
/// first. A test puts it there; no header can.
///
/// # Examples
///
/// ```
/// # use axum::{Router, body::Body, http::{HeaderMap, Request}, routing::get};
/// # use axum_authsignal::{Authsignal, AuthsignalLayer, User};
/// # use axum_authsignal::testing::{Outcome, Script, Witness};
/// # use tower::ServiceExt as _;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let script = Script::new().outcome("export", Outcome::Allow);
/// # let authsignal = Authsignal::scripted(&script)
/// #     .callback_url("https://app.example.com/authsignal/callback")
/// #     .identify(|_: HeaderMap| async { User::new("ada") })
/// #     .build()?;
/// # let handler = get(async || "done").route_layer(AuthsignalLayer::new(&authsignal, "export"));
/// # let app: Router = Router::new().route("/export", handler);
/// let witness = Witness::new();
/// app.oneshot(Request::get("/export").extension(witness.clone()).body(Body::empty())?).await?;
/// assert_eq!(witness.verdicts()[0].action().as_str(), "export");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<Mutex<Vec<Verdict>>>);

impl Witness {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has seen.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows a request's witness, if it has one, the verdict with which it passes.
    pub(crate) fn tell(parts: &Parts, verdict: Option<&Verdict>) {
        if let (Some(Self(seen)), Some(verdict)) = (parts.extensions.get::<Self>(), verdict) {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(verdict.clone());
        }
    }
}
