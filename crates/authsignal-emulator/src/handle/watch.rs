//! Writes the state into its file as it changes.
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::state::AppState;

/// How often it is written at most.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes the state as it changes, until it is aborted.
pub(crate) fn watch(shared: &Arc<AppState>) -> JoinHandle<()> {
    let shared = Arc::downgrade(shared);
    tokio::spawn(async move {
        let mut complained = false;
        loop {
            tokio::time::sleep(PAUSE).await;
            let Some(shared) = shared.upgrade() else { return };
            let saved = tokio::task::spawn_blocking(move || shared.save()).await;
            match saved {
                Ok(Err(error)) if !complained => {
                    complained = true;
                    tracing::error!(%error, "the emulator's state could not be saved; it is tried again every second");
                }
                Ok(Ok(())) if complained => {
                    complained = false;
                    tracing::warn!("the emulator's state is saved again");
                }
                Err(error) if error.is_panic() => tracing::error!("saving the emulator's state panicked"),
                _ => {}
            }
        }
    })
}
