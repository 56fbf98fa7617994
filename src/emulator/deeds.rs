//! What users do, whichever door they come through: the page, the Client API, the Server API, a test.
use std::time::{Duration, SystemTime};

use super::Shared;
use super::inbox::{Channel, Message};
use super::world::{
    ActionId, Aim, Challenge, Claimed, Deed, NewChallenge, Proof, Proved, RecordedAction, Scope, Unclaimable, Verdict,
    Waiting, World,
};
use crate::client::{UserId, VerificationMethod};

/// Why something that a user wanted was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The action doesn't ask for this, or the user has no such method.
    NotAsked,
    /// A wrong code, or one that has expired.
    Wrong,
    /// Too many wrong codes.
    TooManyGuesses,
    /// Too many messages; the next one may be sent after so long.
    TooManyMessages(Duration),
}

impl From<Verdict> for Fault {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Wrong => Self::Wrong,
            Verdict::TooMany => Self::TooManyGuesses,
            Verdict::NotAsked | Verdict::Right => Self::NotAsked,
        }
    }
}

/// Which proof of which action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) id: &'a ActionId,
    pub(super) scope: Scope,
    pub(super) aim: Aim,
    pub(super) method: &'a VerificationMethod,
}

impl Shared {
    /// Sends a message to the user's method (`wanted`, or the one that serves best). The one before is void.
    pub(super) async fn send(&self, attempt: Attempt<'_>, wanted: Option<&str>) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let challenge = {
            let mut world = self.world();
            let Attempt { id, scope, aim, method } = attempt;
            let usable = world.usable(id, scope, aim, method, wanted).ok_or(Fault::NotAsked)?.id.clone();
            world.may_send(method, id.user.as_str(), now)?;
            let form = world.policy.code;
            world.begin_message(id, method, &usable, form, now).ok_or(Fault::NotAsked)?
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Sends the message of a challenge that was begun for nobody in particular, or for an address.
    pub(super) async fn send_new(&self, new: NewChallenge) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let challenge = {
            let mut world = self.world();
            let who = new.user.as_ref().map(AsRef::as_ref).or(new.to.as_deref()).unwrap_or_default().to_owned();
            world.may_send(&new.method, &who, now)?;
            world.open(new, now)
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Puts the message of a challenge into the inbox, once whoever has to be asked agrees.
    async fn deliver(&self, challenge: &Challenge, now: SystemTime) -> Result<(), Fault> {
        let Some(message) = self.message(challenge, now) else { return Ok(()) };
        let mut world = self.world();
        world.limits.count(Deed::Send, &challenge.method, challenge.counted_as(), now);
        world.inbox.put(message);
        Ok(())
    }

    /// The message of a challenge, if its method has one.
    pub(super) fn message(&self, challenge: &Challenge, now: SystemTime) -> Option<Message> {
        Some(Message {
            channel: channel(&challenge.method)?,
            to: challenge.to.clone().unwrap_or_default(),
            user_id: challenge.user.clone(),
            challenge_id: challenge.id.clone(),
            action: challenge.action.clone(),
            code: challenge.code().map(str::to_owned),
            link: match &challenge.waiting {
                Waiting::Link { secret, .. } => Some(self.magic_link(&challenge.id, secret)),
                _ => None,
            },
            at: now,
        })
    }

    /// Takes a proof, and does what follows from one that is right.
    pub(super) async fn prove(&self, attempt: Attempt<'_>, proof: Proof<'_>) -> Result<Proved, Fault> {
        let Attempt { id, scope, aim, method } = attempt;
        let now = self.clock.now();
        match self.world().check(id, scope, aim, method, proof, now) {
            Verdict::Right => {}
            verdict => return Err(verdict.into()),
        }
        Ok(self.world().prove(id, scope, aim, method, proof, now)?)
    }

    /// Sends the next code of a pending challenge; the one before is void.
    pub(super) async fn send_again(&self, challenge: &str) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let again = {
            let mut world = self.world();
            let form = world.policy.code;
            let known = world.pending(|known| known.id == challenge, now).ok_or(Fault::NotAsked)?;
            let waiting = form.waiting(&known.method).ok_or(Fault::NotAsked)?;
            world.may_send(&known.method, known.counted_as(), now)?;
            let known = world.challenges.get_mut(challenge).ok_or(Fault::NotAsked)?;
            known.waiting = waiting;
            known.expires_at = now.checked_add(form.life).unwrap_or(now);
            known.clone()
        };
        self.deliver(&again, now).await?;
        Ok(again)
    }

    /// Looks at a code for a challenge of the Server API, and proves the action of one that is claimed already.
    pub(super) async fn verify_challenge(&self, challenge: &str, code: &str) -> Verdict {
        let now = self.clock.now();
        let verdict = self.world().verify_challenge(challenge, code, now);
        if verdict == Verdict::Right {
            let claimed = self.world().challenges.get(challenge).is_some_and(|known| known.claimed_by.is_some());
            if claimed {
                self.world().settle(challenge, now);
            }
        }
        verdict
    }

    /// Gives a challenge to a user, with an action of its own.
    pub(super) async fn claim(
        &self,
        challenge: &str,
        user: &UserId,
        needs_proof: bool,
    ) -> Result<Claimed, Unclaimable> {
        let now = self.clock.now();
        self.world().claimable(challenge, user, needs_proof, now)?;
        self.world().claim(challenge, user, needs_proof, now)
    }

    /// Gives a challenge to the user of an action that was tracked with it.
    pub(super) async fn claim_for(&self, challenge: &str, id: &ActionId) -> Result<RecordedAction, Unclaimable> {
        let now = self.clock.now();
        let mut world = self.world();
        let verified = world.claimable(challenge, &id.user, false, now)?.verified_at.is_some();
        world.bind(challenge, id);
        if verified {
            world.settle(challenge, now);
        }
        world.actions.get(id).map(|action| action.record.clone()).ok_or(Unclaimable::Unknown)
    }

    /// The link in the mail of a magic link.
    pub(super) fn magic_link(&self, challenge: &str, secret: &str) -> String {
        format!("{}/api/verify-magic-link?token={challenge}.{secret}", self.origin)
    }
}

impl World {
    fn may_send(&self, method: &VerificationMethod, who: &str, now: SystemTime) -> Result<(), Fault> {
        match self.limits.wait(Deed::Send, method, who, now) {
            Some(wait) if self.policy.is_limited => Err(Fault::TooManyMessages(wait)),
            _ => Ok(()),
        }
    }
}

/// How messages of a method travel, if it has any.
fn channel(method: &VerificationMethod) -> Option<Channel> {
    match method {
        VerificationMethod::EmailOtp | VerificationMethod::EmailMagicLink => Some(Channel::Email),
        VerificationMethod::Sms => Some(Channel::Sms),
        VerificationMethod::Whatsapp => Some(Channel::Whatsapp),
        VerificationMethod::Push => Some(Channel::Push),
        _ => None,
    }
}
