//! The clock, and the way back to the start.
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authsignal_client::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::control::answer::{ControlResult, DONE};
use crate::control::strict_json::{StrictJson, wrong};
use crate::http::input::moment;
use crate::state::AppState;

/// How far a clock goes at once: a thousand years.
const MAX_ADVANCE: Duration = Duration::from_secs(1000 * 366 * 24 * 60 * 60);
/// How far it goes at all, from 1970 on: to where timestamps end, 9999-12-30T22:00:00Z.
const MAX_TIME: Duration = Duration::from_secs(253_402_207_200);

#[derive(Serialize)]
struct Shown {
    now: Timestamp,
}

fn shown(shared: &AppState) -> Json<Shown> {
    Json(Shown { now: shared.clock.now().into() })
}

pub(super) async fn show(State(shared): State<Arc<AppState>>) -> impl IntoResponse {
    shown(&shared)
}

/// Either how far to go on, or where to be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Turn {
    advance_seconds: Option<f64>,
    set: Option<String>,
}

pub(super) async fn turn(State(shared): State<Arc<AppState>>, StrictJson(turn): StrictJson<Turn>) -> ControlResult {
    match (turn.advance_seconds, turn.set) {
        (Some(seconds), None) => {
            let by = Duration::try_from_secs_f64(seconds).ok().filter(|by| *by <= MAX_ADVANCE);
            let by = by.ok_or_else(|| {
                wrong("body.advanceSeconds", "0 to 31622400000, a thousand years; `set` goes back as well")
            })?;
            let end = UNIX_EPOCH + MAX_TIME;
            if shared.clock.now().checked_add(by).is_none_or(|then| then > end) {
                return Err(wrong("body.advanceSeconds", "that is after 9999-12-30"));
            }
            shared.clock.advance(by);
        }
        (None, Some(text)) => {
            let then = moment(&text).ok_or_else(|| wrong("body.set", "a moment in ISO 8601, with its zone"))?;
            if !is_within(then) {
                return Err(wrong("body.set", "a moment from 1970-01-01 to 9999-12-30"));
            }
            shared.clock.set(then);
        }
        _ => return Err(wrong("body", "either `advanceSeconds` or `set`")),
    }
    Ok(shown(&shared).into_response())
}

fn is_within(moment: SystemTime) -> bool {
    moment.duration_since(UNIX_EPOCH).is_ok_and(|since| since <= MAX_TIME)
}

pub(super) async fn reset(State(shared): State<Arc<AppState>>) -> StatusCode {
    shared.reset();
    DONE
}
