//! `StepUp`: a handler asks for a proof by itself, once it knows what for.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authsignal_client::CustomData;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use tracing::Instrument as _;

use super::layer::{KeptRequest, RequestCopy};
use crate::decided::trail::span;
use crate::middleware::body::Reading;
use crate::middleware::guard::Guard;
use crate::middleware::judge::Way;
use crate::middleware::layer::AuthsignalLayer;
use crate::middleware::particulars::{Particulars, digest};
use crate::middleware::token;
use crate::refusal::{Refusal, RefusalReason};
use crate::response::headers::unguarded;
use crate::verdict::Verdict;
use crate::verdict::question::LayerId;

/// Asks for a proof from within a handler, once it knows what for: an extractor for handlers behind
/// [`Authsignal::step_up_layer`](crate::Authsignal::step_up_layer).
///
/// Take it before what reads the body. [`require`](Self::require) decides as an
/// [`AuthsignalLayer`](crate::AuthsignalLayer) around the route would, with the data points besides, and its error is the
/// answer that the layer would give: return it, with `?`. A user who was challenged comes back as ever, the form is posted
/// again or the client repeats its request, and the handler runs once more from its beginning, up to the same `require`, which
/// finds the approval, spends it and goes on. So a handler does nothing that counts before its last `require`.
///
/// # Examples
///
/// ```
/// use axum::{Json, extract::State};
/// use axum_authsignal::{StepUp, StepUpResponse, client::CustomData};
/// # #[derive(Clone)] struct Db;
/// # impl Db {
/// #     async fn balance(&self) -> u64 { 10 }
/// #     async fn close(&self) {}
/// # }
///
/// async fn close_account(State(db): State<Db>, step_up: StepUp) -> Result<&'static str, StepUpResponse> {
///     let balance = db.balance().await;
///     if balance > 0 {
///         step_up.require("close-account", CustomData::new().with("balance", balance)).await?;
///     }
///     db.close().await;
///     Ok("closed")
/// }
/// ```
pub struct StepUp {
    request: Arc<KeptRequest>,
    so_far: Mutex<SoFar>,
}

/// What came of what was required before in this run of the handler. A handler that is run again, with a copy of the request,
/// knows nothing of it.
struct SoFar {
    /// With that of the layer around it, if there is one.
    verdicts: Vec<Verdict>,
    /// Whether the token that came along is used up.
    is_token_used: bool,
}

impl StepUp {
    /// Asks Authsignal whether this request may do `action`, with these data points for its rules, unless this user, in this
    /// session and browser, has proved the very same: this action, request and data points. That approval is spent before
    /// this returns.
    ///
    /// From then on it is gone, whatever the handler does: it was reached, and nobody can know whether it had its effect. A
    /// handler that fails afterwards has its user prove it again. A request that is dropped while this waits has not been let
    /// through, and keeps its approval.
    ///
    /// The same once more in the same run of the handler is the same decision, and asks nobody. Of two different actions
    /// each has to be passed; where both are challenged, the first is proved twice, since it is spent on the way to the second.
    ///
    /// # Errors
    ///
    /// The answer to return in the handler's place: the challenge, or the refusal. An `action` that is no action code is
    /// one (500), and so are data points that cannot be sent.
    pub async fn require(&self, action: impl Into<String>, data: CustomData) -> Result<Verdict, StepUpResponse> {
        match AuthsignalLayer::try_new(&self.request.authsignal, action) {
            Ok(layer) => self.require_as(&layer, data).await,
            Err(error) => {
                tracing::error!(%error, setter = "StepUp::require", "a handler asked for what is no action");
                Err(self.refuse(RefusalReason::Unguarded))
            }
        }
    }

    /// As [`require`](Self::require), with the action, the names and the policies of a `layer` that was made at the start, and
    /// that need not be around any route. Its data points are sent as well; of two with one name, the handler's.
    ///
    /// An approval that it [remembers](AuthsignalLayer::remember) is good for the same data points alone.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require); also where the layer's settings do not go together ([`AuthsignalLayer::checked`] tells at
    /// the start).
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::extract::State;
    /// use axum_authsignal::{Authsignal, AuthsignalLayer, StepUp, StepUpResponse, Unenrolled, client::CustomData};
    ///
    /// fn large_transfer(authsignal: &Authsignal) -> AuthsignalLayer {
    ///     AuthsignalLayer::new(authsignal, "large-transfer").named("Transfer a large sum").unenrolled(Unenrolled::Deny)
    /// }
    ///
    /// async fn transfer(State(large): State<AuthsignalLayer>, step_up: StepUp) -> Result<&'static str, StepUpResponse> {
    ///     step_up.require_as(&large, CustomData::new().with("amount", 10_000)).await?;
    ///     Ok("done")
    /// }
    /// ```
    pub async fn require_as(&self, layer: &AuthsignalLayer, data: CustomData) -> Result<Verdict, StepUpResponse> {
        if let Err(error) = layer.check() {
            tracing::error!(%error, setter = "AuthsignalLayer::checked", "a handler asked by settings that do not go together");
            return Err(self.refuse(RefusalReason::Unguarded));
        }
        let (earlier, is_token_used) = {
            let so_far = self.so_far();
            (so_far.verdicts.clone(), so_far.is_token_used)
        };
        let digest = match digest("step up", &data) {
            Ok(fields) => fields.finish(),
            Err(reason) => return Err(self.refuse(reason)),
        };
        let particulars = Particulars { digest: Some(digest), asker: None, earlier };
        let guard = Guard { id: LayerId::new(), particulars, ..layer.guard.clone() }.telling(data);
        let mut parts = self.request.parts.clone();
        parts.extensions.remove::<Verdict>();
        if is_token_used {
            token::forget(&mut parts);
        }
        let span = span(&guard.action, parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str));
        let settling = guard.settle(&mut parts, self.body(), span.clone()).instrument(span);
        let settled = Box::pin(settling).await;
        if !token::is_brought(&parts) {
            self.so_far().is_token_used = true;
        }
        match settled {
            Ok(Way { verdict: Some(verdict), spending, .. }) => {
                // From here on nobody can know whether the handler has its effect.
                if let Some(spending) = spending {
                    spending.keep();
                }
                self.so_far().verdicts.push(verdict.clone());
                Ok(verdict)
            }
            // A preflight, on nobody's behalf, whose handler asks for somebody's proof.
            Ok(Way { verdict: None, .. }) => Err(self.refuse(RefusalReason::Unauthenticated)),
            Err((stop, trail)) => Err(StepUpResponse::new(stop.respond(&guard, &parts, &trail))),
        }
    }

    /// The body as far as it is kept. What is too long is not read a second time: that it is too long is all there is to know.
    fn body(&self) -> Reading<Body> {
        let too_long = || Reading::TooLong(Bytes::new(), Body::empty());
        self.request.body.clone().map_or_else(too_long, Reading::Whole)
    }

    /// No code of others runs while the lock is held, so a poisoned lock still guards what is sound.
    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, reason: RefusalReason) -> StepUpResponse {
        let KeptRequest { authsignal, parts, .. } = &*self.request;
        let authsignal = authsignal.inner();
        StepUpResponse::new(authsignal.answers.refuse(parts, Refusal::new(reason, None), authsignal.came_from(parts)))
    }
}

impl fmt::Debug for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepUp")
    }
}

/// The answer to a request that has to be proved first, or does not go on: what a handler returns in the place of its own.
///
/// It is the answer that a layer gives, whoever asks: a redirect, a page, a problem. It is deliberately no
/// [`Error`](std::error::Error), which a `?` would turn into a failure of the application's own.
pub struct StepUpResponse(Box<Response>);

impl StepUpResponse {
    fn new(response: Response<Bytes>) -> Self {
        Self(Box::new(response.map(Body::from)))
    }

    /// Why the request did not pass.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.extensions().get()
    }
}

impl IntoResponse for StepUpResponse {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl fmt::Debug for StepUpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.refusal().map(Refusal::reason);
        f.debug_struct("StepUpResponse").field("status", &self.0.status()).field("reason", &reason).finish()
    }
}

/// The rejection of [`StepUp`] on a route without [`Authsignal::step_up_layer`](crate::Authsignal::step_up_layer).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MissingStepUpLayer;

impl fmt::Display for MissingStepUpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "axum-authsignal: this handler takes a `StepUp`, but nothing keeps its request; add the layer that does with \
             `.route_layer(authsignal.step_up_layer())`",
        )
    }
}

impl std::error::Error for MissingStepUpLayer {}

impl IntoResponse for MissingStepUpLayer {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        unguarded(self.to_string())
    }
}

impl<S: Sync> FromRequestParts<S> for StepUp {
    type Rejection = MissingStepUpLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // What a handler makes of its own request and sends on is another request, which this was not kept for.
        let RequestCopy(request) = parts.extensions.remove().ok_or(MissingStepUpLayer)?;
        // An outer layer's answer goes on here once, as in a layer further in.
        let outer = request.parts.extensions.get::<Verdict>().filter(|outer| outer.goes_on(LayerId::new()).is_some());
        let so_far = SoFar { verdicts: outer.cloned().into_iter().collect(), is_token_used: false };
        Ok(Self { request, so_far: Mutex::new(so_far) })
    }
}
