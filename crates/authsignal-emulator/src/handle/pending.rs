//! What waits for users, and the buttons on their phones.
use std::time::SystemTime;

use authsignal_client::{ActionCode, UserId, VerificationMethod};

use crate::db::challenge::Challenge;
use crate::error::EmulatorError;
use crate::handle::Emulator;
use crate::verification::phones::PhoneUser;

/// A challenge that waits for its user, from [`Emulator::pending_challenges`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingChallenge {
    /// Its id, as the Client API and the Server API tell it.
    pub id: String,
    /// The method that is to prove it.
    pub method: VerificationMethod,
    /// The user who has to prove it, if that is known yet.
    pub user_id: Option<UserId>,
    /// The action that it is for, if there is one.
    pub action: Option<ActionCode>,
    /// When it was begun.
    pub created_at: SystemTime,
    /// When it is over.
    pub expires_at: SystemTime,
}

impl From<&Challenge> for PendingChallenge {
    fn from(known: &Challenge) -> Self {
        Self {
            id: known.id.clone(),
            method: known.method.clone(),
            user_id: known.user.clone(),
            action: known.action.clone(),
            created_at: known.created_at,
            expires_at: known.expires_at,
        }
    }
}

impl Emulator {
    /// The challenges that wait for their users, newest first: codes, links, signatures, push messages and QR codes.
    #[must_use]
    pub fn pending_challenges(&self) -> Vec<PendingChallenge> {
        let now = self.shared.clock.now();
        let db = self.shared.db();
        db.waiting_challenges(now).into_iter().map(PendingChallenge::from).collect()
    }

    /// Reads a QR code with the phone of a user, which makes its action theirs. It is still to be approved.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::UnknownChallenge`] when no such QR code waits for this user.
    pub fn claim(&self, challenge_id: &str, user: &str) -> Result<(), EmulatorError> {
        let user = UserId::new(user).map_err(|_| EmulatorError::UnknownChallenge)?;
        Ok(self.shared.read_qr_code(challenge_id, &user).map(|_| ())?)
    }

    /// Presses "Approve" on the phone of a push message or a QR code, which proves the action.
    ///
    /// `user` is whoever reads the QR code, where nobody has yet. They need a phone
    /// ([`enroll_push`](crate::UserHandle::enroll_push), [`enroll_qr_code`](crate::UserHandle::enroll_qr_code)).
    ///
    /// # Errors
    ///
    /// [`EmulatorError::UnknownChallenge`] when no such challenge waits for a button of this user,
    /// [`EmulatorError::Vetoed`] when the tenant's webhook says no.
    pub async fn approve(&self, challenge_id: &str, user: Option<&str>) -> Result<(), EmulatorError> {
        let user = user.map(UserId::new).transpose().map_err(|_| EmulatorError::UnknownChallenge)?;
        let by = PhoneUser { user: user.as_ref(), ..PhoneUser::default() };
        Ok(self.shared.approve(challenge_id, by).await?)
    }

    /// Presses "Decline" there, which makes the action `CHALLENGE_FAILED`.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::UnknownChallenge`] when no such challenge waits for a button.
    pub fn decline_challenge(&self, challenge_id: &str) -> Result<(), EmulatorError> {
        Ok(self.shared.refuse(challenge_id, PhoneUser::default())?)
    }
}
