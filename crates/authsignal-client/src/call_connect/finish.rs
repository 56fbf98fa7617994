//! Telling how a call ended.
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CallConnect;
use crate::error::Error;
use crate::other::{OtherMembers, takes_other_members};
use crate::transport::json::Agreed;
use crate::types::open_enum;

open_enum!(
    /// How the verification of a caller ended (node `src/call-connect.ts`).
    CallState {
        /// They proved who they are.
        ChallengeSucceeded = "CHALLENGE_SUCCEEDED",
        /// They did not.
        ChallengeFailed = "CHALLENGE_FAILED",
    }
);

/// The end of a call, for [`CallConnect::finish_call`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{CallState, FinishCall};
///
/// let request = FinishCall::new("call-1", CallState::ChallengeFailed).user_id("user-1").with("agent", "7");
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct FinishCall {
    reference_id: String,
    state: CallState,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    payload: Map<String, Value>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(FinishCall);

/// The setters are the members of the request's body (node `src/call-connect.ts`).
impl FinishCall {
    /// The call with this id ended like this.
    pub fn new(reference_id: impl Into<String>, state: CallState) -> Self {
        Self {
            reference_id: reference_id.into(),
            state,
            user_id: None,
            payload: Map::new(),
            other: OtherMembers::default(),
        }
    }

    /// The application's id of the caller.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Whatever else is to be kept with the call. Default: nothing.
    pub fn payload(mut self, payload: Map<String, Value>) -> Self {
        self.payload = payload;
        self
    }

    /// Adds a member to the payload, in place of an earlier one of the same name.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.payload.insert(name.into(), value.into());
        self
    }
}

impl<R: Into<String>> From<(R, CallState)> for FinishCall {
    /// The id of the call, and how it ended.
    fn from((reference_id, state): (R, CallState)) -> Self {
        Self::new(reference_id, state)
    }
}

/// Whether the end of a call was taken down, from [`CallConnect::finish_call`].
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Wire")]
#[non_exhaustive]
pub struct CallFinished {
    /// Whether it was.
    pub success: bool,
    /// Members that this version does not know.
    pub other: OtherMembers,
}

#[derive(Deserialize)]
struct Wire {
    success: Agreed,
    #[serde(flatten)]
    other: OtherMembers,
}

impl From<Wire> for CallFinished {
    fn from(wire: Wire) -> Self {
        Self { success: wire.success.0, other: wire.other }
    }
}

impl CallConnect {
    /// Tells how a call ended: `POST /call/finish`.
    ///
    /// It is never sent a second time once something of it was sent, except where the service asks for that (429 with
    /// `Retry-After`): what it does with the end of a call that has ended is not documented.
    ///
    /// # Errors
    ///
    /// As [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(calls: authsignal_client::CallConnect) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::CallState;
    ///
    /// assert!(calls.finish_call(("call-1", CallState::ChallengeSucceeded)).await?.success);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish_call(&self, request: impl Into<FinishCall>) -> Result<CallFinished, Error> {
        self.transport.run(&self.transport.post(&["call", "finish"], &request.into())?).await
    }
}
