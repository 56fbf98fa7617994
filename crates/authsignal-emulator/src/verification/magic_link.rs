//! Magic links: opened in whichever browser the mail is read in, which learns nothing by it; what it proves is for the
//! browser that asked.
use crate::db::challenge::Waiting;
use crate::db::proof::{Attempt, Proof, Proved};
use crate::state::AppState;
use crate::verification::VerificationError;

impl AppState {
    /// Opens the link of a mail, by what its URL has for `token`. Whether there is such a link, and it has not expired.
    pub(crate) fn open_link(&self, token: &str) -> bool {
        let now = self.clock.now();
        let Some((challenge, given)) = token.split_once('.') else { return false };
        let mut db = self.db();
        match db.challenges.get_mut(challenge).filter(|known| known.is_live(now)).map(|known| &mut known.waiting) {
            Some(Waiting::Link { secret, opened }) if secret == given => {
                *opened = true;
                true
            }
            _ => false,
        }
    }

    /// Takes the proof of a link that was opened; `None` while it wasn't.
    pub(crate) async fn finish_link(&self, attempt: Attempt<'_>) -> Result<Option<Proved>, VerificationError> {
        let opened = {
            let db = self.db();
            let sent = db.live(attempt.id, attempt.method, self.clock.now());
            sent.is_some_and(|sent| matches!(sent.waiting, Waiting::Link { opened: true, .. }))
        };
        if opened { self.prove(attempt, Proof::RequestLog).await.map(Some) } else { Ok(None) }
    }
}
