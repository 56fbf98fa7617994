//! What happens to challenges: begun, found again, void.
use std::time::{Duration, SystemTime};

use authsignal_client::VerificationMethod;
use uuid::Uuid;

use crate::db::Db;
use crate::db::action::ActionId;
use crate::db::challenge::{Challenge, NewChallenge, Waiting};

/// For how long a challenge that has run out is still known, so that it can be called expired.
const EXPIRED_TTL: Duration = Duration::from_secs(3600);
/// How many of an action are known; older ones are void.
const MAX_PER_ACTION: usize = 8;

impl Db {
    /// Begins a challenge. An earlier one for the same action by the same method is void.
    pub(crate) fn open(&mut self, new: NewChallenge, now: SystemTime) -> Challenge {
        self.sweep(now);
        self.begun += 1;
        let challenge = Challenge {
            id: Uuid::new_v4().to_string(),
            method: new.method,
            user: new.user,
            action: new.action,
            key: new.key,
            authenticator: new.authenticator,
            to: new.to,
            sms_channel: new.sms_channel,
            waiting: new.waiting,
            context: new.context,
            created_at: now,
            expires_at: now.checked_add(new.ttl).unwrap_or(now),
            verified_at: None,
            claimed_by: None,
            sequence: self.begun,
            guesses: 0,
        };
        if let Some(action) = challenge.action_id().and_then(|id| self.actions.get_mut(&id)) {
            // A new code is guessed anew.
            action.guesses.remove(challenge.method.as_str());
            let known = &mut self.challenges;
            action.challenges.retain(|id| match known.get(id) {
                Some(before) if before.method == challenge.method => {
                    known.remove(id);
                    false
                }
                before => before.is_some(),
            });
            if action.challenges.len() >= MAX_PER_ACTION {
                known.remove(&action.challenges.remove(0));
            }
            action.challenges.push(challenge.id.clone());
        }
        self.challenges.insert(challenge.clone());
        challenge
    }

    /// The challenge of an action by `method` that is still good.
    pub(crate) fn live(&self, id: &ActionId, method: &VerificationMethod, now: SystemTime) -> Option<&Challenge> {
        let of_action = self.actions.get(id)?.challenges.iter().rev().filter_map(|id| self.challenges.get(id));
        of_action.into_iter().find(|challenge| challenge.method == *method && challenge.is_live(now))
    }

    /// A challenge that waits for a button on a phone.
    pub(crate) fn asked(&self, challenge: &str, now: SystemTime) -> Option<&Challenge> {
        let known = self.challenges.get(challenge).filter(|known| known.is_open(now))?;
        matches!(known.waiting, Waiting::Button { .. }).then_some(known)
    }

    /// Forgets a challenge, except one that was answered on a phone: whoever waits for the answer has yet to see it.
    pub(crate) fn void(&mut self, challenge: &str) {
        if self.challenges.get(challenge).is_some_and(|known| known.approved().is_none()) {
            self.challenges.remove(challenge);
        }
    }

    /// Forgets what was begun for an action.
    pub(crate) fn void_all(&mut self, id: &ActionId) {
        let begun = self.actions.get_mut(id).map(|action| std::mem::take(&mut action.challenges)).unwrap_or_default();
        for challenge in begun {
            self.void(&challenge);
        }
    }

    /// Forgets what ran out a while ago, whenever the number has doubled since the last time.
    fn sweep(&mut self, now: SystemTime) {
        if self.challenges.len() < self.sweep_at.max(1024) {
            return;
        }
        self.challenges.retain(|known| now < known.expires_at.checked_add(EXPIRED_TTL).unwrap_or(now));
        self.sweep_at = self.challenges.len() * 2;
    }
}
