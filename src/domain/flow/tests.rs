//! Tables of what events make of a flow.
use authsignal_client::ActionState as S;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::*;
use crate::domain::form::{Enctype, Field, SavedForm, Unkept, UnkeptReason, Value};
use crate::domain::page_origin::PageOrigins;
use crate::domain::return_to::ReturnTo;
use crate::domain::revocation::RevocationId;
use crate::domain::saved_request::NotKept;
use crate::store::record;

const NOW: Moment = Moment(1_800_000_000_000);

pub(crate) fn opening(user: &str, action: &str, attempt: &str, remember: Option<Duration>) -> Opening {
    Opening {
        attempt: IdempotencyKey::new(attempt).unwrap(),
        user: UserId::new(user).unwrap(),
        on_behalf_of: None,
        is_machine: false,
        session: None,
        name: None,
        summary: Vec::new(),
        action: ActionCode::new(action).unwrap(),
        remember,
        proof: ProofPolicy::default(),
        is_review: false,
    }
}

pub(crate) fn challenge() -> Challenge {
    Challenge {
        url: ChallengeUrl::new("https://mfa.authsignal.com/?token=canary"),
        token: Some(Token::new("canary")),
        state: S::ChallengeRequired,
    }
}

/// Of a page that was asked for.
pub(crate) fn page() -> SavedRequest {
    SavedRequest::Page(ReturnTo::root())
}

fn flow(stage: Stage) -> Flow {
    Flow::new(opening("ada", "pay", "attempt-1", None), challenge(), page(), stage)
}

fn proof() -> Proof {
    Proof { method: Some(VerificationMethod::EmailOtp), at: NOW, given: NOW }
}

fn spent_by(request: u8) -> Kind {
    Kind::Spent { proof: proof(), by: RequestId([request; 16]), approved_until: NOW.plus(APPROVED) }
}

fn later(seconds: u64) -> Moment {
    NOW.plus(Duration::from_secs(seconds))
}

pub(crate) fn answer(is_valid: bool, state: Option<S>) -> Validation {
    Validation {
        is_valid,
        state,
        user: Some("ada".into()),
        action: Some("pay".into()),
        attempt: Some("attempt-1".into()),
        method: Some(VerificationMethod::EmailOtp),
        at: None,
    }
}

/// T5 and S4: every state by `isValid`, for every alteration of the answer: one cell approves.
#[test]
fn t2_t3_t4_t5_t72_one_cell_of_the_token_matrix_approves() {
    let states = [
        S::Allow,
        S::Block,
        S::ChallengeRequired,
        S::ChallengeSucceeded,
        S::ChallengeFailed,
        S::ReviewRequired,
        S::ReviewSucceeded,
        S::ReviewFailed,
        S::from("CHALLENGE_SUCCEEDED "),
        S::from("challenge_succeeded"),
        S::from(""),
    ];
    type Alter = fn(&mut Validation);
    let alterations: [(&str, Alter); 13] = [
        ("as it is", |_| {}),
        ("another user", |answer| answer.user = Some("bob".into())),
        ("user in another case", |answer| answer.user = Some("Ada".into())),
        ("user with a space", |answer| answer.user = Some("ada ".into())),
        ("a look-alike user", |answer| answer.user = Some("\u{430}da".into())),
        ("no user", |answer| answer.user = None),
        ("another action", |answer| answer.action = Some("login".into())),
        ("no action", |answer| answer.action = None),
        ("another attempt", |answer| answer.attempt = Some("attempt-2".into())),
        ("no attempt", |answer| answer.attempt = None),
        ("empty user", |answer| answer.user = Some(String::new())),
        ("empty attempt", |answer| answer.attempt = Some(String::new())),
        ("no state", |answer| answer.state = None),
    ];
    let flow = flow(Stage::pending(NOW, PENDING));
    let (mut cells, mut approved) = (0, 0);
    for state in states {
        for is_valid in [true, false] {
            for (name, alter) in alterations {
                let mut answer = answer(is_valid, Some(state.clone()));
                alter(&mut answer);
                let approves = matches!(flow.answer(&answer, later(1)), Resolution::Approve(_));
                let may = state == S::ChallengeSucceeded && is_valid && name == "as it is";
                assert_eq!(approves, may, "{state} {is_valid} {name}");
                cells += 1;
                approved += usize::from(approves);
            }
        }
    }
    println!("{approved} of {cells} cells of the token matrix approves");
    assert_eq!((cells, approved), (11 * 2 * 13, 1));
}

#[test]
fn an_answer_moves_a_flow_only_where_it_may() {
    use Resolution::{Already, Approve, Fail, Left, Unproven as No};
    let stages = [
        ("pending", Stage::pending(NOW, PENDING)),
        ("approved", Stage::new(Kind::Approved(proof()), NOW, APPROVED)),
        ("spent", Stage::new(spent_by(1), NOW, ENDED)),
        ("failed", Stage::new(Kind::Failed(S::Block), NOW, ENDED)),
        ("insufficient", Stage::new(Kind::Insufficient(Shortfall::Method), NOW, ENDED)),
    ];
    for (name, stage) in stages {
        let flow = flow(stage);
        let got = |is_valid, state| flow.answer(&answer(is_valid, Some(state)), later(1));
        match name {
            "pending" => {
                let approved = Stage::new(Kind::Approved(Proof { at: later(1), ..proof() }), later(1), APPROVED);
                assert_eq!(got(true, S::ChallengeSucceeded), Approve(approved));
                for state in [S::ChallengeFailed, S::Block, S::Allow, S::ReviewRequired, S::from("NEW")] {
                    let failed = Stage::new(Kind::Failed(state.clone()), later(1), ENDED);
                    assert_eq!(got(false, state), Fail(failed));
                }
            }
            "approved" => {
                assert_eq!(got(true, S::ChallengeSucceeded), Already);
                assert!(matches!(got(false, S::Block), Fail(_)), "a later refusal takes it back");
            }
            "spent" => {
                assert_eq!(got(true, S::ChallengeSucceeded), Already);
                assert_eq!(got(false, S::Block), No(Unproven::Expired));
            }
            "insufficient" => {
                assert_eq!(got(true, S::ChallengeSucceeded), No(Unproven::Method), "as the first time");
                assert_eq!(got(false, S::Block), No(Unproven::Method));
            }
            _ => assert_eq!(got(true, S::ChallengeSucceeded), No(Unproven::Expired)),
        }
        assert_eq!(got(false, S::ChallengeRequired), Left, "{name}: a slow answer takes nothing back");
        assert_eq!(got(false, S::ChallengeSucceeded), No(Unproven::Contradiction), "{name}");
        assert_eq!(got(true, S::ChallengeRequired), No(Unproven::Contradiction), "{name}");
        let late = later(60 * 60);
        let answered = flow.answer(&answer(true, Some(S::ChallengeSucceeded)), late);
        assert_eq!(answered, No(Unproven::Expired), "{name}, an hour later");
    }
}

/// T31, T34: a proof by another method, by one that is not named, or given too long ago approves nothing and ends the flow.
/// Its age is the service's word within the challenge's own time, and the oldest that it can be where that is missing.
#[test]
fn t31_t34_a_proof_that_is_not_what_is_asked_for_approves_nothing() {
    use VerificationMethod::{EmailOtp, Passkey};
    let minute = Duration::from_secs(60);
    let (long_ago, yet_to_come) = (Some(Moment(0)), Some(later(100_000)));
    // What is asked for, what was given, when the service says so, when we are told: what it lacks, or how long it is good.
    let cells = [
        (None, None, None, None, 9, Ok(300)),
        (Some(Passkey), None, Some(Passkey), None, 9, Ok(300)),
        (Some(Passkey), None, Some(EmailOtp), None, 9, Err(Shortfall::Method)),
        (Some(Passkey), None, None, None, 9, Err(Shortfall::Method)),
        (None, Some(minute), None, Some(later(100)), 100, Ok(60)),
        (None, Some(minute), None, Some(later(100)), 159, Ok(1)),
        (None, Some(minute), None, Some(later(100)), 160, Err(Shortfall::Age)),
        (None, Some(minute * 10), None, Some(later(100)), 100, Ok(300)),
        (None, Some(minute), None, None, 59, Ok(1)),
        (None, Some(minute), None, None, 60, Err(Shortfall::Age)),
        (None, Some(minute), None, long_ago, 59, Ok(1)),
        (None, Some(minute), None, long_ago, 60, Err(Shortfall::Age)),
        (None, Some(minute), None, yet_to_come, 500, Ok(60)),
        (Some(Passkey), Some(minute), Some(EmailOtp), yet_to_come, 500, Err(Shortfall::Method)),
        (Some(Passkey), Some(minute), Some(Passkey), yet_to_come, 500, Ok(60)),
    ];
    for (asked, max_age, method, at, told, want) in cells {
        let proof = ProofPolicy { methods: asked.clone().map(|method| vec![method]), max_age };
        let mut flow = flow(Stage::pending(NOW, PENDING));
        flow.opening.proof = proof;
        let answer = Validation { method: method.clone(), at, ..answer(true, Some(S::ChallengeSucceeded)) };
        let now = later(told);
        let case = format!("{asked:?} {max_age:?} {method:?} {at:?} {told}");
        match (flow.answer(&answer, now), want) {
            (Resolution::Approve(stage), Ok(good)) => {
                assert_eq!(stage.until, now.plus(Duration::from_secs(good)), "{case}");
                flow.stage = stage;
                assert!(matches!(flow.admit(RequestId([1; 16]), now), Admission::Pass(..)), "{case}");
                // T34: compared when it is used, too, whatever it was approved for.
                flow.opening.proof.methods = Some(vec![VerificationMethod::from("OTHER")]);
                let met = flow.admit(RequestId([1; 16]), now);
                assert_eq!(met, Admission::Insufficient(Shortfall::Method), "{case}");
            }
            (Resolution::Fail(stage), Err(shortfall)) => {
                assert_eq!(stage.kind, Kind::Insufficient(shortfall), "{case}");
                flow.stage = stage;
                assert_eq!(flow.admit(RequestId([1; 16]), now), Admission::Insufficient(shortfall), "{case}");
                assert_eq!(flow.answer(&answer, now), Resolution::Unproven(shortfall.into()), "{case}");
            }
            (got, want) => panic!("{case}: {got:?}, and not {want:?}"),
        }
    }
}

/// What the documents promise of times that no setter changes.
#[test]
fn times_are_as_documented() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    assert_eq!((PENDING, APPROVED, ENDED), (minutes(10), minutes(5), minutes(10)));
    assert_eq!((TOO_LATE, TWICE, SKEW), (minutes(1), Duration::from_secs(10), Duration::from_secs(30)));
}

/// T31, T32, T33: times end when they were said to, a clock set back opens nothing, and no number overflows.
#[test]
fn t31_t32_t33_times_hold_at_their_edges() {
    let live = |stage: &Stage, moment| stage.is_live(moment);
    let approved = Stage::new(Kind::Approved(proof()), NOW, APPROVED);
    let edge = NOW.plus(APPROVED);
    assert!(live(&approved, NOW) && live(&approved, Moment(edge.0 - 1)));
    assert!(!live(&approved, edge) && !live(&approved, Moment(u64::MAX)));
    assert!(live(&approved, Moment(NOW.0 - 30_000)), "a node's clock may be half a minute behind");
    assert!(!live(&approved, Moment(NOW.0 - 30_001)), "but one set back further sees nothing");
    assert!(!live(&approved, Moment(0)));
    let last = Stage::new(Kind::Pending, Moment(u64::MAX), Duration::MAX);
    assert!(!live(&last, Moment(u64::MAX)), "no flow is for ever");
    for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        assert!(Moment(5).plus(duration) >= Moment(5));
    }
    assert_eq!(Moment(5).after(Moment(7)), Duration::ZERO);
}

#[test]
fn what_a_covered_request_meets_depends_on_the_time_left() {
    let me = RequestId([1; 16]);
    let pending = flow(Stage::pending(NOW, PENDING));
    assert_eq!(pending.admit(me, later(540)), Admission::SameChallenge);
    assert_eq!(pending.admit(me, later(541)), Admission::Nothing, "nobody gets through a challenge in its last minute");
    let spent = flow(Stage::new(spent_by(2), NOW, ENDED));
    assert_eq!(spent.admit(me, later(9)), Admission::Repeated);
    assert_eq!(spent.admit(me, later(10)), Admission::Nothing);
    assert!(matches!(spent.admit(RequestId([2; 16]), later(9)), Admission::Pass(_, None)));
}

/// T120: what was spent for nothing is what it was before, to its very end; nobody else's spending is given back.
#[test]
fn t120_an_approval_that_was_spent_on_nothing_is_what_it_was() {
    let me = RequestId([1; 16]);
    let approved = flow(Stage::new(Kind::Approved(proof()), NOW, APPROVED));
    let Admission::Pass(_, Some(spent)) = approved.admit(me, later(60)) else { panic!("an approval passes") };
    assert_eq!(spent.give_back(me, later(90)), Some(approved.stage.clone()));
    assert_eq!(spent.give_back(me, later(299)).unwrap().until, later(300), "no longer than before");
    assert_eq!(spent.give_back(me, later(300)), None);
    assert_eq!(spent.give_back(RequestId([2; 16]), later(90)), None);
    for stage in [approved.stage, Stage::pending(NOW, PENDING), Stage::new(Kind::Failed(S::Block), NOW, ENDED)] {
        assert_eq!(stage.give_back(me, later(1)), None);
    }
}

/// Everything that a record may hold, each under a name.
pub(crate) fn every_record() -> Vec<(&'static str, Flow)> {
    let [one, other] =
        ["https://app.example.com", "https://shop.example.com"].map(|origin| Url::parse(origin).unwrap());
    let origins = PageOrigins::new(&["https://shop.example.com".into()]).unwrap();
    let pages = [one.join("/a?b=c").unwrap(), other.join("/d").unwrap()].map(|url| origins.page(url.as_str(), &one));
    let form = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))]);
    let urlencoded = SavedForm::of(&form, b"amount=1&password=x").unwrap();
    let [file, none] = [Value::File("a.pdf".into()), Value::NoFile].map(|value| Field { name: "b".into(), value });
    let multipart = SavedForm { enctype: Enctype::Multipart, fields: vec![file, none] };
    let unkept = [UnkeptReason::File, UnkeptReason::TooLong, UnkeptReason::Encoding];
    let fields = unkept.map(|why| Unkept { name: "c".into(), why }).to_vec();
    let all = [
        ("pending", Stage::pending(NOW, PENDING), page()),
        (
            "approved",
            Stage::new(Kind::Approved(proof()), NOW, APPROVED),
            SavedRequest::Form { to: ReturnTo::root(), form: urlencoded, page: None },
        ),
        (
            "pending-multipart",
            Stage::pending(NOW, PENDING),
            SavedRequest::Form { to: ReturnTo::root(), form: multipart, page: pages[0].clone() },
        ),
        ("spent", Stage::new(spent_by(7), NOW, ENDED), SavedRequest::Client { page: pages[0].clone() }),
        (
            "failed",
            Stage::new(Kind::Failed(S::from("NEW")), NOW, ENDED),
            SavedRequest::NotKept { why: NotKept::Target, page: pages[1].clone(), fields: vec![] },
        ),
        (
            "approved-not-kept",
            Stage::new(Kind::Approved(Proof { method: None, at: NOW, given: NOW }), NOW, APPROVED),
            SavedRequest::NotKept { why: NotKept::Body, page: None, fields },
        ),
        (
            "pending-script",
            Stage::pending(NOW, PENDING),
            SavedRequest::NotKept { why: NotKept::Script, page: None, fields: vec![] },
        ),
        ("pending-sent", Stage::pending(NOW, PENDING), SavedRequest::Sent),
        ("insufficient", Stage::new(Kind::Insufficient(Shortfall::Age), NOW, ENDED), page()),
        ("under-review", Stage::under_review(NOW, PENDING), page()),
    ];
    let written = all.into_iter().map(|(name, stage, saved)| {
        let waits = stage.kind == Kind::Pending;
        let opening = Opening {
            on_behalf_of: waits.then(|| UserId::new("eve").unwrap()),
            is_machine: stage.kind == Kind::Insufficient(Shortfall::Age),
            session: waits.then(|| "a session".into()),
            name: waits.then(|| "a payment".into()),
            is_review: matches!(stage.kind, Kind::UnderReview { .. }),
            proof: ProofPolicy {
                methods: waits.then(|| vec![VerificationMethod::Passkey]),
                max_age: waits.then_some(Duration::from_millis(30_500)),
            },
            summary: waits.then(|| ("To".into(), "bob".into())).into_iter().collect(),
            ..opening("ada", "pay", "attempt-1", waits.then_some(Duration::from_millis(1_500)))
        };
        let asked = Asked { times: 1, last: Some(AskId(2)) };
        let known = waits.then_some(RevocationId([9; 16])).into_iter().collect();
        let begun = Flow { asked, ..Flow::new(opening, challenge(), saved, Stage::pending(NOW, PENDING)) }.after(known);
        (name, if waits { Flow { stage, ..begun } } else { begun.answered(stage) })
    });
    written.collect()
}

/// Their bytes: whoever changes them raises the number of the format in `store/seal.rs`, or records from before are misread.
#[test]
fn a_record_reads_back_as_it_was_written() {
    let mut hashed = Sha256::new();
    for (name, written) in every_record() {
        let waits = written.stage.kind == Kind::Pending;
        let bytes = record::write(&written);
        let read: Flow = record::read(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
        assert_eq!(record::write(&read), bytes, "with what `Debug` hides");
        assert_eq!(String::from_utf8_lossy(&bytes).contains("canary"), waits, "T97: an answered flow keeps no token");
        println!("{} bytes: {:?}", bytes.len(), read.stage.kind);
        for length in 0..bytes.len() {
            assert!(record::read::<Flow>(&bytes[..length]).is_none(), "{name}: {length} bytes");
        }
        hashed.update(&bytes);
    }
    let digest: [u8; 32] = hashed.finalize().into();
    assert_eq!(URL_SAFE_NO_PAD.encode(digest), "mvrxpdyuV4ftoBDc3NDcsIkOIKfw_ZRUqKaQsALjjU0");
}

/// What the service names as a method is written down as a name only, since the user's record grows by it.
#[test]
fn a_method_that_is_no_name_is_not_written_down() {
    let long = "A".repeat(64);
    for (method, is_kept) in
        [("EMAIL_OTP", true), ("NEW_METHOD_2", true), (&long, true), (&format!("{long}A"), false), ("a b", false)]
    {
        let answer = serde_json::json!({ "isValid": true, "verificationMethod": method });
        let answer = Validation::from(serde_json::from_value::<authsignal_client::Validated>(answer).unwrap());
        assert_eq!(answer.method.as_ref().map(VerificationMethod::as_str), is_kept.then_some(method), "{method}");
    }
}

/// T17, T93: a record that holds a path which leaves the origin is not read at all.
#[test]
fn t17_a_return_path_is_checked_when_it_is_read_back() {
    let written = serde_json::to_string(&flow(Stage::pending(NOW, PENDING))).unwrap();
    let forged = written.replace("{\"Page\":\"/\"}", "{\"Page\":\"//evil.example\"}");
    assert_ne!(written, forged);
    assert!(serde_json::from_str::<Flow>(&forged).is_err());
}

/// T97: neither the token nor the URL that carries it shows.
#[test]
fn t97_a_flow_does_not_show_its_secrets_in_debug() {
    assert!(!format!("{:?}", flow(Stage::pending(NOW, PENDING))).contains("canary"));
}
