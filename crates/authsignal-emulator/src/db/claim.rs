//! Challenges of the Server API: a code is asked for first, and the user is named afterwards.
use std::time::SystemTime;

use authsignal_client::{ActionState, IdempotencyKey, UserId, VerificationMethod};

use crate::db::Db;
use crate::db::action::{ActionId, Scope, TrackInput};
use crate::db::challenge::Challenge;
use crate::db::limits::Counted;
use crate::db::proof::Verdict;
use crate::db::user::{Authenticator, AuthenticatorKind};
use crate::lifecycle;

/// Why a challenge cannot be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclaimable {
    /// There is none, or it is somebody else's.
    Unknown,
    Expired,
    Claimed,
    Unverified,
    /// It is for another action.
    OtherAction,
    /// The tenant's webhook said no.
    Vetoed,
}

/// What a claim has brought about.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: ActionId,
    pub(crate) method: VerificationMethod,
    pub(crate) enrolled: Option<Authenticator>,
}

impl Db {
    /// Looks at a code for a challenge; a wrong one counts as a guess, a right one proves it.
    pub(crate) fn verify_challenge(&mut self, challenge: &str, code: &str, now: SystemTime) -> Verdict {
        let Some(known) = self.challenges.get(challenge) else { return Verdict::NotAsked };
        let (method, who) = (known.method.clone(), known.counted_as().to_owned());
        let guesses = known.guesses;
        let right = known.verified_at.is_none() && known.is_live(now) && known.code() == Some(code.trim());
        let waits = |db: &Self| db.limits.wait(Counted::Guess, &method, &who, now).is_some();
        if waits(self) || self.limits.is_guessed_out(guesses) {
            return Verdict::TooMany;
        }
        if right {
            if let Some(known) = self.challenges.get_mut(challenge) {
                known.verified_at = Some(now);
            }
            return Verdict::Right;
        }
        self.limits.count(Counted::Guess, &method, &who, now);
        if let Some(known) = self.challenges.get_mut(challenge) {
            known.guesses += 1;
        }
        let is_over = waits(self) || self.limits.is_guessed_out(guesses + 1);
        if is_over { Verdict::TooMany } else { Verdict::Wrong }
    }

    /// The challenge, if `user` may claim it.
    pub(crate) fn claimable(
        &self,
        challenge: &str,
        user: &UserId,
        needs_proof: bool,
        now: SystemTime,
    ) -> Result<&Challenge, Unclaimable> {
        let known = self.challenges.get(challenge).ok_or(Unclaimable::Unknown)?;
        if known.user.as_ref().is_some_and(|of| of != user) || known.action.is_none() {
            return Err(Unclaimable::Unknown);
        }
        if known.claimed_by.is_some() {
            return Err(Unclaimable::Claimed);
        }
        if !known.is_live(now) {
            return Err(Unclaimable::Expired);
        }
        if needs_proof && known.verified_at.is_none() {
            return Err(Unclaimable::Unverified);
        }
        Ok(known)
    }

    /// Gives a challenge to `user`: its action becomes theirs, and is proved if the challenge is.
    ///
    /// The method is enrolled for a user who has nothing, and for others as its scope says (docs, "Server-side
    /// challenges").
    pub(crate) fn claim(
        &mut self,
        challenge: &str,
        user: &UserId,
        needs_proof: bool,
        now: SystemTime,
    ) -> Result<Claimed, Unclaimable> {
        let known = self.claimable(challenge, user, needs_proof, now)?.clone();
        let action = known.action.clone().ok_or(Unclaimable::Unknown)?;
        let key = known.key.clone().unwrap_or_else(IdempotencyKey::random);
        let id = ActionId { user: user.clone(), action, key };
        let context = known.context.clone();
        let told = TrackInput {
            scope: context.scope.clone(),
            ip_address: context.ip_address,
            user_agent: context.user_agent,
            device_id: context.device_id,
            locale: context.locale,
            custom: context.custom,
            ..TrackInput::default()
        };
        if !self.actions.contains_key(&id) {
            let record = self.track(&id, told, now);
            // Whoever claims has something to prove it with, the challenge itself. What a rule blocks stays blocked.
            if lifecycle::is_open_to_proof(&record.state) {
                self.set_state(&id, ActionState::ChallengeRequired, now);
            }
        }
        self.bind(challenge, &id);
        let mut claimed = Claimed { id, method: known.method.clone(), enrolled: None };
        if known.verified_at.is_some() {
            claimed.enrolled = self.settle(challenge, now);
        }
        Ok(claimed)
    }

    /// Ties a challenge to an action of a user.
    pub(crate) fn bind(&mut self, challenge: &str, id: &ActionId) {
        self.challenges.change(challenge, |known| {
            known.user = Some(id.user.clone());
            known.key = Some(id.key.clone());
            known.claimed_by = Some(id.user.clone());
        });
        if let Some(action) = self.actions.get_mut(id) {
            action.challenges.push(challenge.to_owned());
        }
    }

    /// What follows from a challenge that is both proved and claimed.
    pub(crate) fn settle(&mut self, challenge: &str, now: SystemTime) -> Option<Authenticator> {
        let known = self.challenges.get(challenge)?.clone();
        let id = known.action_id()?;
        let kind = match (&known.method, known.to.clone()?) {
            (VerificationMethod::EmailOtp, to) => AuthenticatorKind::EmailOtp(to),
            (VerificationMethod::Sms, to) => AuthenticatorKind::Sms(to),
            (VerificationMethod::Whatsapp, to) => AuthenticatorKind::Whatsapp(to),
            _ => return None,
        };
        let scope = Scope::parse(known.context.scope.as_deref().unwrap_or_default());
        let user = self.user_mut(id.user.as_str(), now);
        let same = |method: &&Authenticator| method.is_verified() && method.kind.address() == kind.address();
        let has_it = user.authenticators.iter().filter(same).find(|method| method.method() == kind.method());
        let (used, enrolled) = match has_it.map(|method| method.id.clone()) {
            Some(method) => {
                user.mark_verified(&method, now);
                (Some(method), None)
            }
            None if !user.is_enrolled() || scope.add || scope.update => {
                if scope.update && !scope.add {
                    // The new address takes the place of the one before.
                    user.authenticators.retain(|method| method.method() != kind.method());
                }
                let method = user.enrol_verified(kind, false, now);
                (Some(method.id.clone()), Some(method))
            }
            None => (None, None),
        };
        user.has_verified = true;
        self.succeed(&id, &known.method, used, now);
        enrolled
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::db::challenge::{Context, NewChallenge, Waiting};
    use crate::lifecycle::Outcome;
    use crate::tenant::Tenant;
    use authsignal_client::ActionCode;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn begun(db: &mut Db, scope: Option<&str>) -> (String, String) {
        let challenge = db.open(
            NewChallenge {
                method: VerificationMethod::EmailOtp,
                user: None,
                action: Some(ActionCode::new("signIn").unwrap()),
                key: Some(IdempotencyKey::random()),
                authenticator: None,
                to: Some("ada@example.com".into()),
                sms_channel: None,
                waiting: Waiting::Code("123456".into()),
                context: Context { scope: scope.map(str::to_owned), ..Context::default() },
                ttl: Duration::from_secs(600),
            },
            UNIX_EPOCH,
        );
        (challenge.id, "123456".into())
    }

    fn claim(db: &mut Db, challenge: &str, by: &str, needs_proof: bool) -> Result<ActionState, Unclaimable> {
        let claimed = db.claim(challenge, &user(by), needs_proof, UNIX_EPOCH)?;
        Ok(db.actions[&claimed.id].record.state.clone())
    }

    #[test]
    fn proved_and_then_claimed() {
        let mut db = Db::default();
        let (challenge, code) = begun(&mut db, None);
        assert_eq!(claim(&mut db, &challenge, "ada", true), Err(Unclaimable::Unverified));
        assert_eq!(db.verify_challenge(&challenge, "000000", UNIX_EPOCH), Verdict::Wrong);
        assert_eq!(db.verify_challenge(&challenge, &code, UNIX_EPOCH), Verdict::Right);
        assert_eq!(db.verify_challenge(&challenge, &code, UNIX_EPOCH), Verdict::Wrong, "once");
        assert_eq!(claim(&mut db, &challenge, "ada", true), Ok(ActionState::ChallengeSucceeded));
        assert!(db.users["ada"].is_enrolled() && db.users["ada"].email_verified);
        assert!(claim(&mut db, &challenge, "eve", true).is_err(), "once");
        assert!(!db.users.contains_key("eve"));
    }

    #[test]
    fn claimed_and_then_proved() {
        let mut db = Db::default();
        let (challenge, code) = begun(&mut db, None);
        assert_eq!(claim(&mut db, &challenge, "ada", false), Ok(ActionState::ChallengeRequired));
        assert_eq!(claim(&mut db, &challenge, "ada", false), Err(Unclaimable::Claimed));
        assert_eq!(db.verify_challenge(&challenge, &code, UNIX_EPOCH), Verdict::Right);
        assert!(db.settle(&challenge, UNIX_EPOCH).is_some());
        assert_eq!(db.actions_of("ada")[0].state, ActionState::ChallengeSucceeded);
    }

    #[test]
    fn what_is_blocked_stays_so() {
        for (outcome, state) in [(Outcome::Block, ActionState::Block), (Outcome::Review, ActionState::ReviewRequired)] {
            let tenant = Tenant::new().default_outcome(outcome);
            let mut db = Db::new(tenant, UNIX_EPOCH);
            let (challenge, code) = begun(&mut db, None);
            db.verify_challenge(&challenge, &code, UNIX_EPOCH);
            assert_eq!(claim(&mut db, &challenge, "ada", true), Ok(state));
        }
    }

    #[test]
    fn too_late_and_unknown() {
        let mut db = Db::default();
        let (challenge, code) = begun(&mut db, None);
        let late = UNIX_EPOCH + Duration::from_secs(600);
        assert_eq!(db.verify_challenge(&challenge, &code, late), Verdict::Wrong);
        assert_eq!(db.verify_challenge("unknown", &code, UNIX_EPOCH), Verdict::NotAsked);
        assert_eq!(db.claim(&challenge, &user("ada"), false, late).unwrap_err(), Unclaimable::Expired);
        assert_eq!(claim(&mut db, "unknown", "ada", false), Err(Unclaimable::Unknown));
    }

    #[test]
    fn who_has_other_methods_enrols_by_scope_alone() {
        for (scope, methods) in [
            (None, vec!["+64270000000"]),
            (Some("add:authenticators"), vec!["+64270000000", "ada@example.com"]),
            (Some("update:authenticators"), vec!["+64270000000", "ada@example.com"]),
        ] {
            let mut db = Db::default();
            db.user_mut("ada", UNIX_EPOCH).enrol_verified(
                AuthenticatorKind::Sms("+64270000000".into()),
                false,
                UNIX_EPOCH,
            );
            let (challenge, code) = begun(&mut db, scope);
            db.verify_challenge(&challenge, &code, UNIX_EPOCH);
            assert_eq!(claim(&mut db, &challenge, "ada", true), Ok(ActionState::ChallengeSucceeded));
            let known = &db.users["ada"].authenticators;
            assert_eq!(known.iter().filter_map(|method| method.kind.address()).collect::<Vec<_>>(), methods);
        }
    }

    #[test]
    fn ten_guesses_and_no_more() {
        let mut db = Db::default();
        let (challenge, code) = begun(&mut db, None);
        for _ in 0..9 {
            assert_eq!(db.verify_challenge(&challenge, "x", UNIX_EPOCH), Verdict::Wrong);
        }
        assert_eq!(db.verify_challenge(&challenge, "x", UNIX_EPOCH), Verdict::TooMany);
        assert_eq!(db.verify_challenge(&challenge, &code, UNIX_EPOCH), Verdict::TooMany);
        let later = UNIX_EPOCH + Duration::from_secs(300);
        assert_eq!(db.verify_challenge(&challenge, &code, later), Verdict::Right);
    }
}
