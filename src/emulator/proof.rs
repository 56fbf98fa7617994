//! How a user proves something: codes that are sent, codes of an app, and how often one may guess.
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::inbox::{Channel, Message};
use super::lifecycle::{self, Ask};
use super::state::{ActionId, Authenticator, Kind, User, World};
use super::totp::App;
use crate::client::VerificationMethod;

/// How long a code that was sent is taken.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// How many wrong codes are taken within [`WINDOW`], per user and method (docs, FAQ).
const ATTEMPTS: usize = 10;
const WINDOW: Duration = Duration::from_secs(300);

/// The code that was sent last for an action.
#[derive(Debug, Clone)]
pub(super) struct CodeChallenge {
    pub(super) id: String,
    pub(super) authenticator: String,
    pub(super) to: String,
    pub(super) code: String,
    pub(super) expires_at: SystemTime,
}

/// When a user gave wrong codes.
#[derive(Debug, Default)]
pub(super) struct Attempts(Vec<(VerificationMethod, SystemTime)>);

impl Attempts {
    fn failed(&mut self, method: &VerificationMethod, now: SystemTime) {
        self.0.retain(|(_, at)| now.duration_since(*at).unwrap_or_default() < WINDOW);
        self.0.push((method.clone(), now));
    }

    fn exceeded(&self, method: &VerificationMethod, now: SystemTime) -> bool {
        let recent = |at: &SystemTime| now.duration_since(*at).unwrap_or_default() < WINDOW;
        self.0.iter().filter(|(known, at)| known == method && recent(at)).count() >= ATTEMPTS
    }
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right: the action is proved, and a new method enrolled if there was none.
    Proved,
    /// `CODE_INVALID_OR_EXPIRED`.
    Wrong,
    /// `MAX_ATTEMPTS_EXCEEDED`: no code is looked at for a while, and the one that was sent is void.
    TooMany,
    /// The action doesn't ask for this, or doesn't any more.
    NotAsked,
}

impl World {
    /// The method that the page may use for this action: an enrolled one, or one about to be enrolled.
    pub(super) fn usable(&self, id: &ActionId, method: &VerificationMethod) -> Option<&Authenticator> {
        let index = self.usable_index(id, method)?;
        self.users.get(id.user.as_str())?.authenticators.get(index)
    }

    fn usable_index(&self, id: &ActionId, method: &VerificationMethod) -> Option<usize> {
        let enrolled = match self.ask(id)? {
            Ask::Proof => true,
            Ask::Enrolment => false,
            Ask::Nothing | Ask::Closed => return None,
        };
        let user = self.users.get(id.user.as_str())?;
        let fits = |known: &Authenticator| known.verified_at.is_some() == enrolled && known.method() == *method;
        let default = user.authenticators.iter().position(|known| fits(known) && known.is_default);
        default.or_else(|| user.authenticators.iter().rposition(fits))
    }

    /// Begins to enrol `kind`, in place of an earlier beginning of the same kind; `false` when that isn't asked for.
    pub(super) fn begin_enrolment(&mut self, id: &ActionId, kind: Kind, now: SystemTime) -> bool {
        if self.ask(id) != Some(Ask::Enrolment) {
            return false;
        }
        let user = self.users.entry(id.user.to_string()).or_default();
        user.authenticators.retain(|known| known.verified_at.is_some() || known.method() != kind.method());
        user.authenticators.push(Authenticator::new(kind, now));
        true
    }

    /// The app that is being enrolled, begun now if it wasn't: the secret stays the same when a page is loaded again.
    pub(super) fn enrolling_app(&mut self, id: &ActionId, now: SystemTime) -> Option<App> {
        if self.ask(id)? != Ask::Enrolment {
            return None;
        }
        if self.usable(id, &VerificationMethod::AuthenticatorApp).is_none() {
            let user = self.users.get(id.user.as_str());
            let account = user.and_then(|user| user.email.as_deref()).unwrap_or(id.user.as_str());
            let app = App::generate(account);
            self.begin_enrolment(id, Kind::App { app, last_step: None }, now);
        }
        match &self.usable(id, &VerificationMethod::AuthenticatorApp)?.kind {
            Kind::App { app, .. } => Some(app.clone()),
            _ => None,
        }
    }

    /// The code that was sent for this action by `method` and is still good.
    pub(super) fn live_code(
        &self,
        id: &ActionId,
        method: &VerificationMethod,
        now: SystemTime,
    ) -> Option<&CodeChallenge> {
        let code = self.actions.get(id)?.code.as_ref()?;
        let usable = self.usable(id, method)?;
        (code.authenticator == usable.id && now < code.expires_at).then_some(code)
    }

    /// Sends a new code by `method`; the one before is void. `None` when that can't be or isn't asked for.
    pub(super) fn send_code(
        &mut self,
        id: &ActionId,
        method: &VerificationMethod,
        now: SystemTime,
    ) -> Option<CodeChallenge> {
        let usable = self.usable(id, method)?;
        let (channel, to) = match &usable.kind {
            Kind::EmailOtp(email) => (Channel::Email, email.clone()),
            Kind::Sms(number) => (Channel::Sms, number.clone()),
            Kind::EmailMagicLink(_) | Kind::App { .. } => return None,
        };
        let challenge = CodeChallenge {
            id: Uuid::new_v4().to_string(),
            authenticator: usable.id.clone(),
            to: to.clone(),
            code: random_code(),
            expires_at: now.checked_add(CODE_LIFE).unwrap_or(now),
        };
        self.inbox.put(Message {
            channel,
            to,
            user_id: id.user.clone(),
            challenge_id: challenge.id.clone(),
            action: id.action.clone(),
            code: challenge.code.clone(),
            at: now,
        });
        self.actions.get_mut(id)?.code = Some(challenge.clone());
        Some(challenge)
    }

    /// Looks at a code that the user gave. Spaces in it don't matter.
    pub(super) fn verify(
        &mut self,
        id: &ActionId,
        method: &VerificationMethod,
        code: &str,
        now: SystemTime,
    ) -> Verdict {
        let Some(index) = self.usable_index(id, method) else { return Verdict::NotAsked };
        let Some(user) = self.users.get_mut(id.user.as_str()) else { return Verdict::NotAsked };
        if user.attempts.exceeded(method, now) {
            self.void_code(id);
            return Verdict::TooMany;
        }
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let sent = self.actions.get(id).and_then(|action| action.code.as_ref());
        if !right(&mut user.authenticators[index], sent, &code, now) {
            user.attempts.failed(method, now);
            if user.attempts.exceeded(method, now) {
                self.void_code(id);
                return Verdict::TooMany;
            }
            return Verdict::Wrong;
        }
        self.prove(id, index, method, now);
        Verdict::Proved
    }

    /// Proves an action without a code, as [`Emulator::succeed`](super::Emulator::succeed) does for an app.
    pub(super) fn prove_without_code(
        &mut self,
        id: &ActionId,
        method: &VerificationMethod,
        now: SystemTime,
    ) -> Verdict {
        let Some(index) = self.usable_index(id, method) else { return Verdict::NotAsked };
        self.prove(id, index, method, now);
        Verdict::Proved
    }

    fn prove(&mut self, id: &ActionId, index: usize, method: &VerificationMethod, now: SystemTime) {
        if let Some(user) = self.users.get_mut(id.user.as_str()) {
            user.mark_verified(index, now);
        }
        self.succeed(id, method.clone(), now);
    }

    /// The user refuses for good; `false` when there is nothing to refuse.
    pub(super) fn decline(&mut self, id: &ActionId, now: SystemTime) -> bool {
        let Some(action) = self.actions.get_mut(id) else { return false };
        action.code = None;
        match lifecycle::declined(&action.record.state) {
            Some(state) => self.set_state(id, state, now),
            None => false,
        }
    }

    fn void_code(&mut self, id: &ActionId) {
        if let Some(action) = self.actions.get_mut(id) {
            action.code = None;
        }
    }

    /// The methods by which the page can ask for proof, the default first.
    pub(super) fn provable(&self, id: &ActionId) -> Vec<VerificationMethod> {
        let mut methods = self.users.get(id.user.as_str()).map(User::enrolled_methods).unwrap_or_default();
        methods.retain(|method| *method != VerificationMethod::EmailMagicLink);
        methods
    }
}

fn right(method: &mut Authenticator, sent: Option<&CodeChallenge>, code: &str, now: SystemTime) -> bool {
    match &mut method.kind {
        Kind::EmailOtp(_) | Kind::Sms(_) => {
            sent.is_some_and(|sent| sent.authenticator == method.id && sent.code == code && now < sent.expires_at)
        }
        Kind::App { app, last_step } => match app.step(code, now) {
            // RFC 6238, section 5.2: a code is taken once. An earlier step is refused with it.
            Some(step) if last_step.is_none_or(|last| step > last) => {
                *last_step = Some(step);
                true
            }
            _ => false,
        },
        Kind::EmailMagicLink(_) => false,
    }
}

/// Six random digits.
fn random_code() -> String {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    format!("{:06}", (random & (u64::MAX >> 2)) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::client::{ActionCode, ActionState, IdempotencyKey, UserId};
    use crate::emulator::state::Facts;

    const EMAIL: VerificationMethod = VerificationMethod::EmailOtp;
    const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;

    fn id(key: &str) -> ActionId {
        ActionId {
            user: UserId::new("ada").unwrap(),
            action: ActionCode::new("withdrawal").unwrap(),
            key: IdempotencyKey::new(key).unwrap(),
        }
    }

    fn enrolled(kinds: Vec<Kind>) -> World {
        let mut world = World::default();
        let user = world.users.entry("ada".into()).or_default();
        for kind in kinds {
            user.enrol_verified(kind, false, UNIX_EPOCH);
        }
        world.track(&id("1"), Facts::default(), UNIX_EPOCH);
        world
    }

    fn by_email() -> World {
        enrolled(vec![Kind::EmailOtp("ada@example.com".into())])
    }

    fn state(world: &World, key: &str) -> ActionState {
        world.actions[&id(key)].record.state.clone()
    }

    #[test]
    fn the_right_code_proves_the_action_once() {
        let mut world = by_email();
        let code = world.send_code(&id("1"), &EMAIL, UNIX_EPOCH).unwrap().code;
        assert_eq!(world.verify(&id("1"), &EMAIL, &format!(" {code} "), UNIX_EPOCH), Verdict::Proved);
        assert_eq!(state(&world, "1"), ActionState::ChallengeSucceeded);
        assert_eq!(world.verify(&id("1"), &EMAIL, &code, UNIX_EPOCH), Verdict::NotAsked);
    }

    #[test]
    fn a_code_is_good_for_its_own_action_its_time_and_until_the_next() {
        let mut world = by_email();
        world.track(&id("2"), Facts::default(), UNIX_EPOCH);
        let first = world.send_code(&id("1"), &EMAIL, UNIX_EPOCH).unwrap().code;
        assert_eq!(world.verify(&id("2"), &EMAIL, &first, UNIX_EPOCH), Verdict::Wrong, "another action's");
        assert_eq!(world.verify(&id("1"), &EMAIL, &first, UNIX_EPOCH + CODE_LIFE), Verdict::Wrong, "expired");
        let mut second = first.clone();
        while second == first {
            second = world.send_code(&id("1"), &EMAIL, UNIX_EPOCH).unwrap().code;
        }
        assert_eq!(world.verify(&id("1"), &EMAIL, &first, UNIX_EPOCH), Verdict::Wrong, "replaced");
        assert_eq!(world.verify(&id("1"), &EMAIL, &second, UNIX_EPOCH), Verdict::Proved);
    }

    #[test]
    fn ten_wrong_codes_void_the_code_and_end_after_a_while() {
        let mut world = by_email();
        let code = world.send_code(&id("1"), &EMAIL, UNIX_EPOCH).unwrap().code;
        for attempt in 1..10 {
            assert_eq!(world.verify(&id("1"), &EMAIL, "nope", UNIX_EPOCH), Verdict::Wrong, "attempt {attempt}");
        }
        assert_eq!(world.verify(&id("1"), &EMAIL, "nope", UNIX_EPOCH), Verdict::TooMany);
        assert_eq!(world.verify(&id("1"), &EMAIL, &code, UNIX_EPOCH), Verdict::TooMany, "not even the right one");
        assert_eq!(state(&world, "1"), ActionState::ChallengeRequired, "the action itself stays open");

        let later = UNIX_EPOCH + WINDOW;
        assert_eq!(world.verify(&id("1"), &EMAIL, &code, later), Verdict::Wrong, "the old code stays void");
        let code = world.send_code(&id("1"), &EMAIL, later).unwrap().code;
        assert_eq!(world.verify(&id("1"), &EMAIL, &code, later), Verdict::Proved);
    }

    #[test]
    fn an_app_code_is_taken_once() {
        let app = App::generate("ada");
        let mut world = enrolled(vec![Kind::App { app: app.clone(), last_step: None }]);
        world.track(&id("2"), Facts::default(), UNIX_EPOCH);
        let now = UNIX_EPOCH + Duration::from_secs(90);
        assert_eq!(world.verify(&id("1"), &APP, &app.code(now), now), Verdict::Proved);
        assert_eq!(world.verify(&id("2"), &APP, &app.code(now), now), Verdict::Wrong, "the same");
        let before = now - Duration::from_secs(30);
        assert_eq!(world.verify(&id("2"), &APP, &app.code(before), now), Verdict::Wrong, "an earlier one");
        let next = now + Duration::from_secs(30);
        assert_eq!(world.verify(&id("2"), &APP, &app.code(next), now), Verdict::Proved);
    }

    #[test]
    fn enrolment_is_only_for_who_has_nothing() {
        let mut world = by_email();
        assert!(!world.begin_enrolment(&id("1"), Kind::EmailOtp("eve@example.com".into()), UNIX_EPOCH));
        assert!(world.enrolling_app(&id("1"), UNIX_EPOCH).is_none());

        let mut world = enrolled(vec![]);
        assert_eq!(state(&world, "1"), ActionState::Allow);
        let app = world.enrolling_app(&id("1"), UNIX_EPOCH).unwrap();
        assert_eq!(world.enrolling_app(&id("1"), UNIX_EPOCH).unwrap().secret(), app.secret(), "stays the same");
        assert!(!world.users["ada"].is_enrolled(), "begun is not enrolled");
        assert_eq!(world.verify(&id("1"), &APP, &app.code(UNIX_EPOCH), UNIX_EPOCH), Verdict::Proved);
        assert!(world.users["ada"].is_enrolled());
        assert_eq!(state(&world, "1"), ActionState::ChallengeSucceeded);
    }

    #[test]
    fn a_second_enrolment_that_was_begun_in_time_comes_too_late() {
        let mut world = enrolled(vec![]);
        world.track(&id("2"), Facts::default(), UNIX_EPOCH);
        assert!(world.begin_enrolment(&id("2"), Kind::EmailOtp("eve@example.com".into()), UNIX_EPOCH));
        let code = world.send_code(&id("2"), &EMAIL, UNIX_EPOCH).unwrap().code;
        let app = world.enrolling_app(&id("1"), UNIX_EPOCH).unwrap();
        assert_eq!(world.verify(&id("1"), &APP, &app.code(UNIX_EPOCH), UNIX_EPOCH), Verdict::Proved);
        assert_eq!(world.verify(&id("2"), &EMAIL, &code, UNIX_EPOCH), Verdict::NotAsked);
    }

    #[test]
    fn declining_ends_an_open_challenge_only() {
        let mut world = by_email();
        assert!(world.decline(&id("1"), UNIX_EPOCH));
        assert_eq!(state(&world, "1"), ActionState::ChallengeFailed);
        assert!(!world.decline(&id("1"), UNIX_EPOCH));
        assert!(world.send_code(&id("1"), &EMAIL, UNIX_EPOCH).is_none());
        assert!(!world.decline(&id("unknown"), UNIX_EPOCH));
    }
}
