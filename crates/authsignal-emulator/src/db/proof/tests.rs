//! Proofs, guesses and what follows from them.
use std::time::UNIX_EPOCH;

use super::*;
use crate::credentials::totp::App;
use crate::db::action::TrackInput;
use crate::db::challenge::Waiting;
use crate::db::limits::MAX_GUESSES;
use crate::db::user::Phone;
use crate::tenant::Tenant;
use crate::tenant::limits::Limits;
use std::time::Duration;

use authsignal_client::{ActionCode, IdempotencyKey, UserId};

const EMAIL: VerificationMethod = VerificationMethod::EmailOtp;
const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;
const PUSH: VerificationMethod = VerificationMethod::Push;
const NONE: Scope = Scope { add: false, update: false, remove: false };
const ADD: Scope = Scope { add: true, ..NONE };
const WINDOW: Duration = Duration::from_secs(300);
const CODE_TTL: Duration = Duration::from_secs(600);

fn id(key: &str) -> ActionId {
    ActionId {
        user: UserId::new("ada").unwrap(),
        action: ActionCode::new("withdrawal").unwrap(),
        key: IdempotencyKey::new(key).unwrap(),
    }
}

fn track(db: &mut Db, key: &str) {
    db.track(&id(key), TrackInput::default(), UNIX_EPOCH);
}

fn enrolled(kinds: Vec<AuthenticatorKind>) -> Db {
    enrolled_at(Tenant::default(), kinds)
}

fn enrolled_at(tenant: Tenant, kinds: Vec<AuthenticatorKind>) -> Db {
    let mut db = Db::new(tenant, UNIX_EPOCH);
    let user = db.user_mut("ada", UNIX_EPOCH);
    for kind in kinds {
        user.enrol_verified(kind, false, UNIX_EPOCH);
    }
    track(&mut db, "1");
    db
}

fn by_email() -> Db {
    enrolled(vec![AuthenticatorKind::EmailOtp("ada@example.com".into())])
}

fn app(app: &App) -> AuthenticatorKind {
    AuthenticatorKind::App { app: app.clone(), last_step: None }
}

/// Begins a code of the method that serves, and returns it.
fn send(db: &mut Db, key: &str, aim: Aim, scope: Scope, now: SystemTime) -> Option<String> {
    let usable = db.usable(Attempt::new(&id(key), scope, aim, &EMAIL), None)?.id.clone();
    let form = db.policy.code;
    Some(db.begin_message(&id(key), &EMAIL, &usable, form, now)?.code().unwrap().to_owned())
}

fn prove(db: &mut Db, key: &str, method: &VerificationMethod, code: &str, now: SystemTime) -> Verdict {
    let aim = if db.users["ada"].is_enrolled() { Aim::Prove } else { Aim::Enrol };
    match db.prove(Attempt::new(&id(key), NONE, aim, method), Proof::Code(code), now) {
        Ok(_) => Verdict::Right,
        Err(verdict) => verdict,
    }
}

fn state(db: &Db, key: &str) -> ActionState {
    db.actions[&id(key)].record.state.clone()
}

#[test]
fn the_right_code_proves_the_action_once() {
    let mut db = by_email();
    let code = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    assert_eq!(prove(&mut db, "1", &EMAIL, &format!(" {code} "), UNIX_EPOCH), Verdict::Right);
    assert_eq!(state(&db, "1"), ActionState::ChallengeSucceeded);
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, UNIX_EPOCH), Verdict::NotAsked);
    assert_eq!(db.actions[&id("1")].record.verified_by, Some(db.users["ada"].authenticators[0].id.clone()));
}

#[test]
fn looking_at_a_right_code_uses_nothing_up() {
    let mut db = by_email();
    let code = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    for _ in 0..20 {
        let verdict = db.check(Attempt::new(&id("1"), NONE, Aim::Prove, &EMAIL), Proof::Code(&code), UNIX_EPOCH);
        assert_eq!(verdict, Verdict::Right);
    }
    assert_eq!(state(&db, "1"), ActionState::ChallengeRequired);
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, UNIX_EPOCH), Verdict::Right);
}

#[test]
fn a_code_is_good_for_its_own_action_its_time_and_until_the_next() {
    let mut db = by_email();
    track(&mut db, "2");
    let first = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    assert_eq!(prove(&mut db, "2", &EMAIL, &first, UNIX_EPOCH), Verdict::Wrong, "another action's");
    assert_eq!(prove(&mut db, "1", &EMAIL, &first, UNIX_EPOCH + CODE_TTL), Verdict::Wrong, "expired");
    let mut codes = std::iter::repeat_with(|| send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap()).take(100);
    let second = codes.find(|code| *code != first).expect("another code");
    assert_eq!(prove(&mut db, "1", &EMAIL, &first, UNIX_EPOCH), Verdict::Wrong, "replaced");
    assert_eq!(prove(&mut db, "1", &EMAIL, &second, UNIX_EPOCH), Verdict::Right);
    assert!(db.challenges.is_empty(), "nothing is left of any of them");
}

#[test]
fn ten_wrong_codes_void_the_code_and_end_after_a_while() {
    let mut db = by_email();
    let code = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    for attempt in 1..10 {
        assert_eq!(prove(&mut db, "1", &EMAIL, "nope", UNIX_EPOCH), Verdict::Wrong, "attempt {attempt}");
    }
    assert_eq!(prove(&mut db, "1", &EMAIL, "nope", UNIX_EPOCH), Verdict::TooMany);
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, UNIX_EPOCH), Verdict::TooMany, "not even the right one");
    assert_eq!(state(&db, "1"), ActionState::ChallengeRequired, "the action itself stays open");

    let later = UNIX_EPOCH + WINDOW;
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, later), Verdict::Wrong, "the old code stays void");
    let code = send(&mut db, "1", Aim::Prove, NONE, later).unwrap();
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, later), Verdict::Right);
}

#[test]
fn without_limits_one_may_guess_ten_times_for_ever() {
    let tenant = Tenant::new().limits(Limits::off());
    let mut db = enrolled_at(tenant, vec![AuthenticatorKind::EmailOtp("ada@example.com".into())]);
    for _ in 0..100 {
        let code = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
        for _ in 1..MAX_GUESSES {
            assert_eq!(prove(&mut db, "1", &EMAIL, "nope", UNIX_EPOCH), Verdict::Wrong);
        }
        for given in ["nope", &code] {
            assert_eq!(prove(&mut db, "1", &EMAIL, given, UNIX_EPOCH), Verdict::TooMany);
        }
        assert_eq!(prove(&mut db, "1", &EMAIL, &code, UNIX_EPOCH + WINDOW), Verdict::TooMany, "nor later");
    }
    let code = send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    assert_eq!(prove(&mut db, "1", &EMAIL, &code, UNIX_EPOCH), Verdict::Right);
}

#[test]
fn an_app_code_is_taken_once() {
    let known = App::generate("ada");
    let mut db = enrolled(vec![app(&known)]);
    track(&mut db, "2");
    let now = UNIX_EPOCH + Duration::from_secs(90);
    assert_eq!(prove(&mut db, "1", &APP, &known.code(now), now), Verdict::Right);
    assert_eq!(prove(&mut db, "2", &APP, &known.code(now), now), Verdict::Wrong, "the same");
    let before = now - Duration::from_secs(30);
    assert_eq!(prove(&mut db, "2", &APP, &known.code(before), now), Verdict::Wrong, "an earlier one");
    let next = now + Duration::from_secs(30);
    assert_eq!(prove(&mut db, "2", &APP, &known.code(next), now), Verdict::Right);
}

#[test]
fn any_of_several_apps_serves() {
    let (one, two) = (App::generate("ada"), App::generate("ada"));
    let mut db = enrolled(vec![app(&one), app(&two)]);
    let now = UNIX_EPOCH + Duration::from_secs(90);
    assert_eq!(prove(&mut db, "1", &APP, &one.code(now), now), Verdict::Right);
    track(&mut db, "2");
    assert_eq!(prove(&mut db, "2", &APP, &two.code(now), now), Verdict::Right);
}

#[test]
fn a_first_enrolment_needs_no_scope_and_proves_the_action() {
    let mut db = enrolled(vec![]);
    assert_eq!(state(&db, "1"), ActionState::Allow);
    let begun = App::generate("ada");
    db.user_mut("ada", UNIX_EPOCH).begin(app(&begun), UNIX_EPOCH);
    assert!(!db.users["ada"].is_enrolled(), "begun is not enrolled");
    let code = begun.code(UNIX_EPOCH);
    let proved = db.prove(Attempt::new(&id("1"), NONE, Aim::Either, &APP), Proof::Code(&code), UNIX_EPOCH).unwrap();
    assert!(proved.enrolled.is_some());
    assert_eq!(proved.recovery_codes.len(), 10);
    assert!(db.users["ada"].is_enrolled());
    assert_eq!(state(&db, "1"), ActionState::ChallengeSucceeded);
}

#[test]
fn one_more_method_takes_the_scope_and_proves_nothing() {
    let mut db = by_email();
    let begun = App::generate("ada");
    db.user_mut("ada", UNIX_EPOCH).begin(app(&begun), UNIX_EPOCH);
    let code = begun.code(UNIX_EPOCH);
    let without = db.prove(Attempt::new(&id("1"), NONE, Aim::Either, &APP), Proof::Code(&code), UNIX_EPOCH);
    assert_eq!(without.unwrap_err(), Verdict::NotAsked);
    let with = db.prove(Attempt::new(&id("1"), ADD, Aim::Either, &APP), Proof::Code(&code), UNIX_EPOCH).unwrap();
    assert!(with.enrolled.is_some() && with.recovery_codes.is_empty());
    assert_eq!(state(&db, "1"), ActionState::ChallengeRequired);
    assert_eq!(db.provable(&id("1")), [EMAIL, APP]);
}

#[test]
fn a_second_enrolment_that_was_begun_in_time_comes_too_late() {
    let mut db = enrolled(vec![]);
    track(&mut db, "2");
    db.user_mut("ada", UNIX_EPOCH).begin(AuthenticatorKind::EmailOtp("eve@example.com".into()), UNIX_EPOCH);
    let code = send(&mut db, "2", Aim::Enrol, NONE, UNIX_EPOCH).unwrap();
    let begun = App::generate("ada");
    db.user_mut("ada", UNIX_EPOCH).begin(app(&begun), UNIX_EPOCH);
    let first = prove(&mut db, "1", &APP, &begun.code(UNIX_EPOCH), UNIX_EPOCH);
    assert_eq!(first, Verdict::Right);
    let late = db.prove(Attempt::new(&id("2"), NONE, Aim::Either, &EMAIL), Proof::Code(&code), UNIX_EPOCH);
    assert_eq!(late.unwrap_err(), Verdict::NotAsked);
}

#[test]
fn what_a_rule_does_not_allow_proves_nothing() {
    let known = App::generate("ada");
    let mut db = enrolled(vec![AuthenticatorKind::EmailOtp("ada@example.com".into()), app(&known)]);
    db.actions.get_mut(&id("1")).unwrap().record.allowed_methods = vec![APP];
    assert_eq!(db.provable(&id("1")), [APP]);
    assert!(send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).is_none());
    assert_eq!(prove(&mut db, "1", &EMAIL, "000000", UNIX_EPOCH), Verdict::NotAsked);
}

#[test]
fn a_recovery_code_is_good_for_one_use() {
    let mut db = by_email();
    db.user_mut("ada", UNIX_EPOCH).recovery_codes = vec!["7k2m-9xqa".into(), "p41c-zz0e".into()];
    track(&mut db, "2");
    let method = VerificationMethod::RecoveryCode;
    assert_eq!(prove(&mut db, "1", &method, "7K2M-9XQA ", UNIX_EPOCH), Verdict::Right);
    assert_eq!(prove(&mut db, "2", &method, "7k2m-9xqa", UNIX_EPOCH), Verdict::Wrong);
    assert_eq!(db.users["ada"].recovery_codes, ["p41c-zz0e"]);
    assert_eq!(db.actions[&id("1")].record.verified_by, None);
}

fn phone(name: &str) -> AuthenticatorKind {
    AuthenticatorKind::Push(Phone { name: name.into(), ..Phone::default() })
}

fn ask_phone(db: &mut Db, key: &str) -> String {
    let waiting = Waiting::Button { approved: None, device_code: None };
    db.open(NewChallenge::of(&id(key), PUSH, waiting, CODE_TTL), UNIX_EPOCH).id
}

#[test]
fn what_was_seen_of_one_method_is_no_proof_by_another() {
    let mut db = enrolled(vec![phone("Pixel"), phone("iPhone"), AuthenticatorKind::EmailOtp("ada@example.com".into())]);
    let ids: Vec<_> = db.users["ada"].authenticators.iter().map(|known| known.id.clone()).collect();
    for by in ["unknown", &ids[2]] {
        let verdict = db.prove(Attempt::new(&id("1"), NONE, Aim::Prove, &PUSH), Proof::By(by), UNIX_EPOCH).unwrap_err();
        assert_eq!(verdict, Verdict::NotAsked, "{by}");
    }
    assert!(db.prove(Attempt::new(&id("1"), NONE, Aim::Prove, &PUSH), Proof::By(&ids[0]), UNIX_EPOCH).is_ok());
    assert_eq!(db.actions[&id("1")].record.verified_by.as_ref(), Some(&ids[0]), "not the newest");
}

#[test]
fn an_answer_on_a_phone_outlives_what_it_answers() {
    let mut db = enrolled(vec![phone("Pixel"), AuthenticatorKind::EmailOtp("ada@example.com".into())]);
    track(&mut db, "2");
    let (one, two) = (ask_phone(&mut db, "1"), ask_phone(&mut db, "2"));
    send(&mut db, "1", Aim::Prove, NONE, UNIX_EPOCH).unwrap();
    let pixel = db.users["ada"].authenticators[0].id.clone();
    db.prove(Attempt::new(&id("1"), NONE, Aim::Prove, &PUSH), Proof::By(&pixel), UNIX_EPOCH).unwrap();
    db.challenges.get_mut(&two).unwrap().answer(false);
    db.decline(&id("2"), UNIX_EPOCH);
    let answers: Vec<_> = [&one, &two].map(|asked| db.challenges[asked].approved()).into();
    assert_eq!(answers, [Some(true), Some(false)]);
    assert_eq!(db.challenges.len(), 2, "the code is void");
    assert!(db.actions.values().all(|action| action.challenges.is_empty()));
    db.challenges.get_mut(&two).unwrap().answer(true);
    assert_eq!(db.challenges[&two].approved(), Some(false), "the first answer stands");
}

#[test]
fn a_new_address_takes_the_place_of_the_old_one() {
    let update = Scope { update: true, ..NONE };
    for (scope, left) in [(update, 1), (Scope { add: true, ..update }, 2)] {
        let mut db = by_email();
        let new =
            db.user_mut("ada", UNIX_EPOCH).begin(AuthenticatorKind::EmailOtp("new@example.com".into()), UNIX_EPOCH);
        let new = new.id.clone();
        let code = send(&mut db, "1", Aim::Enrol, scope, UNIX_EPOCH).unwrap();
        let none = db.prove(Attempt::new(&id("1"), NONE, Aim::Enrol, &EMAIL), Proof::Code(&code), UNIX_EPOCH);
        assert_eq!(none.unwrap_err(), Verdict::NotAsked, "without the scope");
        db.prove(Attempt::new(&id("1"), scope, Aim::Enrol, &EMAIL), Proof::Code(&code), UNIX_EPOCH).unwrap();
        let known = &db.users["ada"].authenticators;
        assert_eq!((known.len(), &known[left - 1].id), (left, &new), "{scope:?}");
        assert_eq!(state(&db, "1"), ActionState::ChallengeRequired);
    }
}

#[test]
fn declining_ends_an_open_challenge_only() {
    let mut db = by_email();
    assert!(db.decline(&id("1"), UNIX_EPOCH));
    assert_eq!(state(&db, "1"), ActionState::ChallengeFailed);
    assert!(!db.decline(&id("1"), UNIX_EPOCH));
    assert!(send(&mut db, "1", Aim::Either, ADD, UNIX_EPOCH).is_none());
    assert!(!db.decline(&id("unknown"), UNIX_EPOCH));
}
