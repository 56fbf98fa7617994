//! How a user proves something: which of their methods serves, what is right, and how often one may guess.
use std::time::SystemTime;

use authsignal_client::{ActionState, SmsChannel, VerificationMethod};
use uuid::Uuid;

use crate::db::action::{ActionId, Scope};
use crate::db::challenge::{Challenge, NewChallenge};
use crate::db::enrol::is_of_apps;
use crate::db::limits::Counted;
use crate::db::user::{Authenticator, AuthenticatorKind, User};
use crate::db::{CodeForm, Db};
use crate::lifecycle;

/// What a proof is to bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Prove the action with a method that is enrolled.
    Prove,
    /// Finish the enrolment of a method that was begun.
    Enrol,
    /// Whichever there is, an enrolment first.
    Either,
}

/// Which proof of which action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) id: &'a ActionId,
    pub(crate) scope: Scope,
    pub(crate) aim: Aim,
    pub(crate) method: &'a VerificationMethod,
}

impl<'a> Attempt<'a> {
    pub(crate) const fn new(id: &'a ActionId, scope: Scope, aim: Aim, method: &'a VerificationMethod) -> Self {
        Self { id, scope, aim, method }
    }
}

/// What a user gives as proof.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// A code that was sent, one of an app, or a recovery code.
    Code(&'a str),
    /// Something that was seen to be right already, such as an opened link.
    RequestLog,
    /// The same, by this method of the user's: its signature, or its button on a phone.
    By(&'a str),
}

/// What became of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Right.
    Right,
    /// `CODE_INVALID_OR_EXPIRED`.
    Wrong,
    /// `MAX_ATTEMPTS_EXCEEDED`: no code is looked at for a while, and the one that was sent is void.
    TooMany,
    /// The action doesn't ask for this, or doesn't any more.
    NotAsked,
}

/// What a right proof has brought about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proved {
    /// The method that it enrolled.
    pub(crate) enrolled: Option<Authenticator>,
    /// What came with a user's first method.
    pub(crate) recovery_codes: Vec<String>,
}

impl Db {
    /// Whether a user may enrol one more method: a first one always, others by the token's scope (docs, "Scopes").
    pub(crate) fn may_enrol(&self, id: &ActionId, scope: Scope) -> bool {
        let Some(action) = self.actions.get(id) else { return false };
        let enrolled = self.users.get(id.user.as_str()).is_some_and(User::is_enrolled);
        (!enrolled || scope.add) && lifecycle::is_open_to_enrolment(&action.record.state)
    }

    /// The methods by which an action can be proved, the default first.
    pub(crate) fn provable(&self, id: &ActionId) -> Vec<VerificationMethod> {
        let mut methods = self.users.get(id.user.as_str()).map(User::enrolled_methods).unwrap_or_default();
        methods.retain(|method| self.is_allowed(id, method));
        methods
    }

    pub(crate) fn is_allowed(&self, id: &ActionId, method: &VerificationMethod) -> bool {
        let Some(action) = self.actions.get(id) else { return false };
        let allowed = &action.record.allowed_methods;
        match method {
            VerificationMethod::RecoveryCode => true,
            _ if is_of_apps(method) && *allowed == self.policy.methods => self.offers(method),
            _ => allowed.contains(method),
        }
    }

    /// The user's method that serves here: `wanted`, or else one just begun, the default one, the newest.
    pub(crate) fn usable(&self, attempt: Attempt<'_>, wanted: Option<&str>) -> Option<&Authenticator> {
        let Attempt { id, scope, aim, method } = attempt;
        let state = &self.actions.get(id)?.record.state;
        let user = self.users.get(id.user.as_str())?;
        let enrols = aim != Aim::Prove && self.may_enrol_method(id, scope, method);
        let proves = aim != Aim::Enrol && lifecycle::is_open_to_proof(state) && self.is_allowed(id, method);
        let fits = |known: &&Authenticator| {
            serves(known, method)
                && wanted.is_none_or(|wanted| known.id == wanted)
                && if known.is_verified() { proves } else { enrols }
        };
        let newest = user.authenticators.iter().filter(fits).rev();
        newest.min_by_key(|known| (known.is_verified(), !known.is_default, known.method() != *method))
    }

    /// Begins a challenge by a message to the user's method `authenticator`; it is not sent yet.
    pub(crate) fn begin_message(
        &mut self,
        id: &ActionId,
        method: &VerificationMethod,
        authenticator: &str,
        code: CodeForm,
        now: SystemTime,
    ) -> Option<Challenge> {
        let to = self.users.get(id.user.as_str())?.authenticator(authenticator)?.kind.address()?.to_owned();
        let waiting = code.waiting(method)?;
        let new = NewChallenge::of(id, method.clone(), waiting, code.ttl);
        let sms_channel = (*method == VerificationMethod::Sms).then_some(SmsChannel::Default);
        let authenticator = Some(authenticator.to_owned());
        Some(self.open(NewChallenge { authenticator, to: Some(to), sms_channel, ..new }, now))
    }

    /// Looks at a proof and changes nothing, except that a wrong code counts as a guess.
    pub(crate) fn check(&mut self, attempt: Attempt<'_>, proof: Proof<'_>, now: SystemTime) -> Verdict {
        let Attempt { id, method, .. } = attempt;
        let Proof::Code(code) = proof else {
            let seen = self.seen(attempt, proof, now);
            return if seen.is_some() { Verdict::Right } else { Verdict::NotAsked };
        };
        if !self.asks_for_code(attempt) {
            return Verdict::NotAsked;
        }
        if self.has_guessed_enough(id, method, now) {
            return Verdict::TooMany;
        }
        if self.right(attempt, code, now).is_some() {
            return Verdict::Right;
        }
        self.limits.count(Counted::Guess, method, id.user.as_str(), now);
        if let Some(action) = self.actions.get_mut(id) {
            *action.guesses.entry(method.as_str().to_owned()).or_default() += 1;
        }
        if self.has_guessed_enough(id, method, now) { Verdict::TooMany } else { Verdict::Wrong }
    }

    /// Whether the action would succeed by a proof that is right, and with which of the user's methods.
    pub(crate) fn would_succeed(
        &self,
        attempt: Attempt<'_>,
        proof: Proof<'_>,
        now: SystemTime,
    ) -> Option<Option<String>> {
        let Attempt { id, .. } = attempt;
        let used = self.used(attempt, proof, now)?;
        let user = self.users.get(id.user.as_str())?;
        let is_open = lifecycle::is_open_to_proof(&self.actions.get(id)?.record.state);
        match used {
            Used::RecoveryCode(_) => is_open.then_some(None),
            Used::Method(known, _) => {
                let enrols = user.authenticator(&known).is_some_and(|known| !known.is_verified());
                (is_open && !(enrols && user.is_enrolled())).then_some(Some(known))
            }
        }
    }

    /// What a right proof uses up.
    fn used(&self, attempt: Attempt<'_>, proof: Proof<'_>, now: SystemTime) -> Option<Used> {
        match proof {
            Proof::Code(code) => self.right(attempt, code, now),
            Proof::RequestLog | Proof::By(_) => {
                let known = self.seen(attempt, proof, now)?;
                Some(Used::Method(known.id.clone(), None))
            }
        }
    }

    /// Looks at a proof again and, when it is right, writes down all that follows from it.
    pub(crate) fn prove(&mut self, attempt: Attempt<'_>, proof: Proof<'_>, now: SystemTime) -> Result<Proved, Verdict> {
        let Attempt { id, scope, method, .. } = attempt;
        let verdict = self.check(attempt, proof, now);
        if verdict != Verdict::Right {
            return Err(verdict);
        }
        let used = self.used(attempt, proof, now);
        let replaces = !self.may_enrol(id, scope) && self.may_replace(id, scope, method);
        let (Some(used), Some(user)) = (used, self.users.get_mut(id.user.as_str())) else {
            return Err(Verdict::NotAsked);
        };
        let was_enrolled = user.is_enrolled();
        let mut proved = Proved::default();
        let mut verified_by = None;
        match used {
            Used::RecoveryCode(at) => drop(user.recovery_codes.remove(at)),
            Used::Method(authenticator, step) => {
                let enrols = user.authenticator(&authenticator).is_some_and(|known| !known.is_verified());
                user.mark_verified(&authenticator, now);
                if let Some(known) = user.authenticator_mut(&authenticator) {
                    if let AuthenticatorKind::App { last_step, .. } = &mut known.kind {
                        *last_step = step.or(*last_step);
                    }
                    proved.enrolled = enrols.then(|| known.clone());
                }
                if enrols && replaces {
                    user.authenticators.retain(|known| known.id == authenticator || known.method() != *method);
                }
                verified_by = Some(authenticator);
            }
        }
        if !was_enrolled && self.policy.gives_recovery_codes {
            user.recovery_codes = recovery_codes();
            proved.recovery_codes = user.recovery_codes.clone();
        }
        user.has_verified = true;
        self.press(id, method, now);
        self.void_method(id, method, now);
        // One more method is no proof of the action: that takes one which was there before.
        if proved.enrolled.is_none() || !was_enrolled {
            self.succeed(id, method, verified_by, now);
        }
        Ok(proved)
    }

    /// Writes down that the user proved the action with `method`, if it is open to that.
    pub(crate) fn succeed(
        &mut self,
        id: &ActionId,
        method: &VerificationMethod,
        verified_by: Option<String>,
        now: SystemTime,
    ) {
        let Some(action) = self.actions.get_mut(id) else { return };
        if !lifecycle::is_open_to_proof(&action.record.state) {
            return;
        }
        action.record.verification_method = Some(method.clone());
        action.record.verified_by = verified_by;
        let device = action.record.device_id.clone();
        self.void_all(id);
        self.set_state(id, ActionState::ChallengeSucceeded, now);
        if let Some(device) = device {
            self.prove_device(id.user.as_str(), &device, method, now);
        }
    }

    /// The user refuses for good; `false` when there is nothing to refuse.
    pub(crate) fn decline(&mut self, id: &ActionId, now: SystemTime) -> bool {
        let Some(state) = self.actions.get(id).and_then(|action| lifecycle::declined(&action.record.state)) else {
            return false;
        };
        self.void_all(id);
        self.set_state(id, state, now)
    }

    /// The method that proves something without a code.
    fn seen(&self, attempt: Attempt<'_>, proof: Proof<'_>, now: SystemTime) -> Option<&Authenticator> {
        let Attempt { id, method, .. } = attempt;
        let wanted = if let Proof::By(wanted) = proof { Some(wanted) } else { self.pinned(id, method, now) };
        self.usable(attempt, wanted)
    }

    /// Writes down, where the proof was a button on a phone, that it was pressed.
    fn press(&mut self, id: &ActionId, method: &VerificationMethod, now: SystemTime) {
        let pressed = self.live(id, method, now).map(|challenge| challenge.id.clone());
        if let Some(challenge) = pressed.and_then(|pressed| self.challenges.get_mut(&pressed)) {
            challenge.answer(true);
        }
    }

    /// The method that a message went to, which no other may answer.
    fn pinned(&self, id: &ActionId, method: &VerificationMethod, now: SystemTime) -> Option<&str> {
        self.live(id, method, now)?.authenticator.as_deref()
    }

    fn asks_for_code(&self, attempt: Attempt<'_>) -> bool {
        let Attempt { id, aim, method, .. } = attempt;
        if *method == VerificationMethod::RecoveryCode {
            let state = self.actions.get(id).map(|action| &action.record.state);
            return aim != Aim::Enrol && state.is_some_and(lifecycle::is_open_to_proof);
        }
        self.usable(attempt, None).is_some()
    }

    /// What a right code is the code of.
    fn right(&self, attempt: Attempt<'_>, code: &str, now: SystemTime) -> Option<Used> {
        let Attempt { id, method, .. } = attempt;
        let user = self.users.get(id.user.as_str())?;
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        match method {
            VerificationMethod::RecoveryCode => {
                let at = user.recovery_codes.iter().position(|known| known.eq_ignore_ascii_case(&code))?;
                Some(Used::RecoveryCode(at))
            }
            VerificationMethod::AuthenticatorApp => user.authenticators.iter().find_map(|known| {
                let AuthenticatorKind::App { app, last_step } = &known.kind else { return None };
                self.usable(attempt, Some(&known.id))?;
                // RFC 6238, section 5.2: a code is taken once. An earlier step is refused with it.
                let step = app.step(&code, now).filter(|step| last_step.is_none_or(|last| *step > last))?;
                Some(Used::Method(known.id.clone(), Some(step)))
            }),
            _ => {
                let sent = self.live(id, method, now)?;
                let usable = self.usable(attempt, sent.authenticator.as_deref())?;
                (sent.code() == Some(&code)).then(|| Used::Method(usable.id.clone(), None))
            }
        }
    }

    /// Whether no guess is taken for a while; what was sent is void then.
    fn has_guessed_enough(&mut self, id: &ActionId, method: &VerificationMethod, now: SystemTime) -> bool {
        let guesses = self.actions.get(id).and_then(|action| action.guesses.get(method.as_str())).copied();
        let enough = self.limits.wait(Counted::Guess, method, id.user.as_str(), now).is_some()
            || self.limits.is_guessed_out(guesses.unwrap_or_default());
        if enough {
            self.void_method(id, method, now);
        }
        enough
    }

    fn void_method(&mut self, id: &ActionId, method: &VerificationMethod, now: SystemTime) {
        if let Some(challenge) = self.live(id, method, now).map(|challenge| challenge.id.clone()) {
            self.void(&challenge);
        }
    }
}

/// What a right proof uses up.
enum Used {
    /// One of the user's methods; of an app, the step of its code.
    Method(String, Option<u64>),
    /// The recovery code at this place.
    RecoveryCode(usize),
}

fn serves(known: &Authenticator, method: &VerificationMethod) -> bool {
    let by_whatsapp = *method == VerificationMethod::Whatsapp && matches!(known.kind, AuthenticatorKind::Sms(_));
    known.method() == *method || by_whatsapp
}

/// Ten, in the form of `7k2m-9xqa`. Their number and form are assumptions.
pub(crate) fn recovery_codes() -> Vec<String> {
    let code = || Uuid::new_v4().simple().to_string();
    (0..10).map(|_| code()).map(|code| format!("{}-{}", &code[..4], &code[16 + 4..16 + 8])).collect()
}

#[cfg(test)]
mod tests;
