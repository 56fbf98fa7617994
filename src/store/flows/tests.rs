//! Whose attempt is changed, and whose approval passes.
use super::*;
use crate::domain::flow::tests::{challenge, opening, page};
use crate::domain::tenant::{Tenant, Tenants};
use crate::store::MemoryStore;

/// T25, T119: a transition is tried again as often as there is hope, and not once more: so often against others that are
/// faster, and twice after an answer that was lost. A store that refuses is not asked again.
#[test]
fn t25_t119_a_transition_is_tried_so_often() {
    let lost = || Err(Error::unavailable("the answer is gone"));
    for (mut tries, most) in [(Tries::default(), 16), (Tries::many(), 64)] {
        assert!((1..most).all(|_| tries.wrote(Ok(false)).is_ok_and(|wrote| !wrote)));
        assert!(tries.wrote(Ok(true)).unwrap());
        assert_eq!(tries.wrote(Ok(false)).unwrap_err().kind(), ErrorKind::Contended);
    }
    let mut tries = Tries::default();
    assert!((0..2).all(|_| tries.wrote(lost()).is_ok_and(|wrote| !wrote)));
    assert_eq!(tries.wrote(lost()).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(Tries::default().wrote(Err(Error::full("no room"))).unwrap_err().kind(), ErrorKind::Full);
}

fn node() -> Arc<FlowStore> {
    let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    Arc::new(FlowStore {
        store: AnyStore::new(MemoryStore::new().clock(clock.clone())),
        keys: KeyRing::new(&[7; 32], &[] as &[&[u8]], Tenants::one(Tenant::of(1))),
        clock,
        challenge_ttl: crate::domain::flow::PENDING,
        validate_budget: 10,
        pending_flow_budget: Room::new(32, 256 * 1024),
    })
}

fn flow(flows: &FlowStore, attempt: &str) -> Flow {
    let stage = Stage::pending(flows.now(), flows.challenge_ttl);
    Flow::new(opening("ada", "pay", attempt, None), challenge(), page(), stage)
}

/// What is noted about an attempt is not noted about another that has taken its place.
#[tokio::test]
async fn only_the_attempt_that_is_meant_leads_elsewhere() {
    let flows = node();
    let (browser, binding, ticket) = (BrowserId::random(), [1; 32], Ticket::random());
    let flow = flow(&flows, "newer");
    let page = page();
    flows.write_ticket(&browser, ticket, &binding).await.unwrap();
    flows.open(&Holder::Browser(browser.clone()), &binding, RequestId([1; 16]), flow).await.unwrap();
    for (attempt, want) in [("older", page), ("newer", SavedRequest::Sent)] {
        let attempt = IdempotencyKey::new(attempt).unwrap();
        flows.save_request(&Holder::Browser(browser.clone()), &binding, &attempt, &SavedRequest::Sent).await.unwrap();
        let (_, flow) = flows.find(&browser, ticket).await.unwrap().unwrap();
        assert_eq!(flow.saved, want, "{attempt}");
    }
}

/// An approval that was lost on its way to the handler passes a browser's next request, and a bearer client's only with its
/// token: without one it begins anew.
#[tokio::test]
async fn an_approval_of_a_bearer_client_passes_nothing_by_itself() {
    let flows = node();
    let proved = |attempt: &str| Validation {
        is_valid: true,
        state: Some(authsignal_client::ActionState::ChallengeSucceeded),
        user: Some("ada".into()),
        action: Some("pay".into()),
        attempt: Some(attempt.into()),
        method: None,
    };
    for (holder, passes) in [(Holder::Browser(BrowserId::random()), true), (Holder::Bearer, false)] {
        flows.open(&holder, &[1; 32], RequestId([1; 16]), flow(&flows, "first")).await.unwrap();
        let (answered, _) = flows.answer(&holder, &[1; 32], &proved("first")).await.unwrap().unwrap();
        assert!(matches!(answered, Resolution::Approve(_)), "{answered:?}");
        let opened = flows.open(&holder, &[1; 32], RequestId([2; 16]), flow(&flows, "second")).await.unwrap();
        assert_eq!(matches!(opened, Opened::Pass(..)), passes, "{holder:?}: {opened:?}");
        assert_eq!(matches!(opened, Opened::New(_)), !passes, "{holder:?}: {opened:?}");
    }
}
