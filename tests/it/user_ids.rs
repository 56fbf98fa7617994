//! A kept corpus of awkward ids at the layer: in one browser, with one request, all of them are different users, or are refused.
use std::path::Path;

use axum::extract::Request;
use axum_authsignal::{RefusalReason, User};
use serde_json::Value;

use crate::support::{Ask, Bench, Reply, Visitor, bench_with, get, way_back};

/// Who is signed in, as the application knows it: header fields could not carry all of this.
#[derive(Clone)]
struct SignedIn(User);

/// The ids of the client's corpus, and whether each is refused.
fn corpus() -> Vec<(String, bool)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/authsignal-client/tests/user_ids.jsonl");
    let read = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        (entry["id"].as_str().unwrap().to_owned(), !entry["refused"].is_null())
    };
    std::fs::read_to_string(file).unwrap().lines().map(read).collect()
}

async fn bench() -> Bench {
    bench_with(|builder| builder.identify_parts(|parts| parts.extensions.get::<SignedIn>().map(|user| user.0.clone())))
        .await
}

async fn send(browser: &mut Visitor, user: &User, ask: &Ask) -> Reply {
    let mut request: Request = browser.request(ask);
    request.extensions_mut().insert(SignedIn(user.clone()));
    browser.send_request(request).await
}

/// Each of these is challenged in the same browser for the same request, and proves it; then each passes, as itself.
async fn pass_each(bench: &Bench, users: &[User]) {
    let mut browser = Visitor { user: None, ..bench.visitor("") };
    let ask = get("/pay?to=bob").navigating();
    let mut challenges = std::collections::HashSet::new();
    for user in users {
        let reply = send(&mut browser, user, &ask).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        assert!(challenges.insert(reply.location().to_owned()), "{user:?} meets another's challenge");
        let back = way_back(&bench.emulator.succeed(reply.location()).unwrap());
        let reply = send(&mut browser, user, &back).await;
        assert_eq!((reply.status, reply.location()), (303, "/pay?to=bob"), "{user:?}");
    }
    let before = bench.effects.count();
    for user in users {
        send(&mut browser, user, &ask).await.assert_passed();
        assert_eq!(bench.effects.last().verdict.unwrap().user_id().as_str(), user.id());
    }
    assert_eq!(bench.effects.count() - before, users.len());
}

/// T70, T71: whatever is taken is a user of their own to the service and to the store, and what is not costs no call.
#[tokio::test]
async fn t70_t71_every_id_of_a_corpus_is_a_user_of_its_own_or_refused() {
    let bench = bench().await;
    let corpus = corpus();
    let (refused, taken): (Vec<_>, Vec<_>) = corpus.into_iter().partition(|(_, is_refused)| *is_refused);
    let users = |ids: &[(String, bool)]| -> Vec<_> { ids.iter().map(|(id, _)| User::new(id).session("s")).collect() };
    for user in users(&refused) {
        let mut browser = Visitor { user: None, ..bench.visitor("") };
        let reply = send(&mut browser, &user, &get("/pay")).await;
        assert!(matches!(reply.reason(), Some(RefusalReason::InvalidUser(_))), "{user:?}: {:?}", reply.reason());
    }
    assert_eq!(bench.emulator.received_requests().len(), 0);
    for (id, _) in &taken {
        bench.emulator.user(id).enroll_email_otp("a@example.com");
    }
    pass_each(&bench, &users(&taken)).await;
    for (id, _) in &taken {
        assert_eq!(bench.emulator.actions(id).len(), 1, "{id:?}");
    }
    println!("{} ids: {} users of their own, {} refused", taken.len() + refused.len(), taken.len(), refused.len());
    assert!(taken.len() + refused.len() >= 500);
}

/// T29, T71: as the names of one user's sessions, all of them are other sessions (a fourth of them).
#[tokio::test]
async fn t29_t71_every_text_of_a_corpus_is_a_session_of_its_own() {
    let bench = bench().await;
    let sessions: Vec<_> = corpus().into_iter().step_by(4).map(|(id, _)| User::new("ada").session(id)).collect();
    pass_each(&bench, &sessions).await;
    println!("{} sessions of their own", sessions.len());
}
