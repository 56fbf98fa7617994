//! User, action, flow, browser, session, tenant and digest: every combination of what may be wrong, each part by itself, since
//! the action is changed on one address, and the tenants share a secret, a store and a callback.
use authsignal_emulator::Emulator;
use axum::Router;
use axum::routing::any;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{Authsignal, AuthsignalLayer, RefusalReason};

use crate::programs::TOKEN;
use crate::support::{
    Ask, CALLBACK, Effects, Visitor, builder, clock, emulator, form, handle, json, parameter, way_back,
};

const PARTS: [&str; 7] = ["user", "action", "flow", "browser", "session", "tenant", "digest"];
const ACTIONS: [&str; 2] = ["pay", "other"];

/// Which parts are wrong.
#[derive(Clone, Copy, Debug)]
struct Wrong(u8);

impl Wrong {
    fn all() -> impl Iterator<Item = Self> {
        (0..1 << PARTS.len()).map(Self)
    }

    fn is(self, part: &str) -> bool {
        let place = PARTS.iter().position(|name| *name == part).unwrap();
        self.0 >> place & 1 == 1
    }

    fn any(self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.is(part))
    }

    fn nothing(self) -> bool {
        self.0 == 0
    }

    /// Whether the request by itself is the one that was challenged.
    fn only_flow(self) -> bool {
        !self.any(&["user", "action", "browser", "session", "tenant", "digest"])
    }

    fn names(self) -> Vec<&'static str> {
        PARTS.into_iter().filter(|part| self.is(part)).collect()
    }
}

/// When the wrong way back comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    BeforeTheRightOne,
    AfterTheRightOne,
}

/// Which half of a wrong flow's way back is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Ticket,
    Token,
}

/// Two tenants over one store.
struct Tenants {
    emulators: [Emulator; 2],
    /// By tenant and action.
    apps: [[Router; 2]; 2],
    effects: Effects,
    cells: usize,
}

/// One owner, whose challenge is proved, and who comes along instead.
struct Cell {
    owner: Visitor,
    owners: Ask,
    /// The way back of the owner's challenge.
    right: String,
    other: Visitor,
    others: Ask,
    /// The way back of a challenge of the other's own.
    own: String,
}

fn layered(authsignal: &Authsignal, action: &str, effects: &Effects) -> Router {
    let layer = AuthsignalLayer::new(authsignal, action);
    Router::new().route("/pay", any(handle).layer(layer)).with_state(effects.clone()).merge(authsignal.routes())
}

impl Tenants {
    async fn new() -> Self {
        let (clock, effects) = (clock(), Effects::default());
        let emulators = [emulator(&clock).await, emulator(&clock).await];
        let store = MemoryStore::new().clock(clock.clone());
        let apps = emulators.each_ref().map(|emulator| {
            let authsignal = builder(emulator, &clock).store(store.clone()).secret([7; 32]).build().unwrap();
            ACTIONS.map(|action| layered(&authsignal, action, &effects))
        });
        Self { emulators, apps, effects, cells: 0 }
    }

    /// Asks, is challenged, and proves it, without coming back yet.
    async fn prove(&self, visitor: &mut Visitor, tenant: bool, ask: &Ask) -> String {
        let challenge = visitor.challenge(ask).await;
        self.emulators[usize::from(tenant)].succeed(&challenge).unwrap()
    }

    /// `write` makes a request of an address and an amount.
    async fn cell(&mut self, wrong: Wrong, write: fn(&str, &'static str) -> Ask) -> Cell {
        self.cells += 1;
        let target = format!("/pay?cell={}", self.cells);
        for emulator in &self.emulators {
            for user in ["ada", "bob"] {
                emulator.user(&format!("{user}-{}", self.cells)).enroll_email_otp(format!("{user}@example.com"));
            }
        }
        let user = |name: &str| format!("{name}-{}", self.cells);
        let owners = write(&target, "amount=10");
        let mut owner = Visitor::new(&self.apps[0][0], &user("ada")).in_session("s1");
        let right = self.prove(&mut owner, false, &owners).await;

        let mut other = Visitor {
            app: self.apps[usize::from(wrong.is("tenant"))][usize::from(wrong.is("action"))].clone(),
            user: Some(user(if wrong.is("user") { "bob" } else { "ada" })),
            session: Some(if wrong.is("session") { "s2" } else { "s1" }.into()),
            cookie: owner.cookie.clone().filter(|_| !wrong.is("browser")),
        };
        let others = write(&target, if wrong.is("digest") { "amount=10000" } else { "amount=10" });
        // A challenge of the very request that comes next, unless that is the owner's.
        let of_their_own = if wrong.only_flow() { write("/pay?another", "amount=10") } else { others.clone() };
        let own = self.prove(&mut other, wrong.is("tenant"), &of_their_own).await;
        Cell { owner, owners, right, other, others, own }
    }
}

impl Cell {
    /// The way back that the other brings.
    fn back(&self, wrong: Wrong, half: Half) -> Ask {
        let from = |is_own: bool, name| parameter(if is_own { &self.own } else { &self.right }, name).unwrap();
        let is_own = |of| wrong.is("flow") && half == of;
        let (flow, token) = (from(is_own(Half::Ticket), "flow"), from(is_own(Half::Token), "token"));
        way_back(&format!("{CALLBACK}?flow={flow}&token={token}"))
    }

    async fn owner_comes_back(&mut self) {
        let reply = self.owner.send(&way_back(&self.right)).await;
        // A form is shown on a page of its own, to be sent again.
        assert_eq!((reply.status, reply.reason()), (303, None));
    }

    /// Whatever was tried, the owner's own approval is there, once.
    async fn owner_passes(mut self, effects: &Effects) {
        let before = effects.count();
        self.owner_comes_back().await;
        self.owner.send(&self.owners).await.assert_passed();
        assert_eq!(effects.count(), before + 1);
        assert_ne!(self.owner.send(&self.owners).await.status, 200);
    }
}

/// T2 to T4, T16, T27 to T30, T40: somebody brings a way back and then sends the request, both wrong in each combination of the
/// parts, before the owner came back and afterwards: it passes where nothing is wrong, and the owner's approval is not spoiled.
#[tokio::test]
async fn t2_t3_t4_t16_t27_t28_t29_t30_t40_one_of_128_ways_back_passes() {
    let mut tenants = Tenants::new().await;
    for order in [Order::BeforeTheRightOne, Order::AfterTheRightOne] {
        let (mut tried, mut refused, mut passed) = (0, 0, 0);
        for wrong in Wrong::all() {
            let halves = if wrong.is("flow") { &[Half::Ticket, Half::Token][..] } else { &[Half::Token] };
            let mut ran = 0;
            for half in halves {
                let mut cell = tenants.cell(wrong, form).await;
                if order == Order::AfterTheRightOne {
                    cell.owner_comes_back().await;
                }
                let reply = cell.other.send(&cell.back(wrong, *half)).await;
                // The owner's browser is shown the page of what it has proved, whatever token it brings once more.
                let is_shown =
                    order == Order::AfterTheRightOne && !wrong.any(&["user", "browser", "session", "tenant"]);
                if wrong.any(&["user", "flow", "browser", "session", "tenant"]) && !is_shown {
                    assert!(reply.reason().is_some(), "{order:?} {:?} {half:?}: {reply:?}", wrong.names());
                }
                let before = tenants.effects.count();
                let reply = cell.other.send(&cell.others).await;
                let has_run = tenants.effects.count() > before;
                assert_eq!(has_run, reply.status == 200, "{reply:?}");
                // An approval that is there does not go by being brought a wrong way back.
                let may = wrong.nothing() || (order == Order::AfterTheRightOne && wrong.only_flow());
                assert_eq!(has_run, may, "{order:?} {:?} {half:?}", wrong.names());
                if !has_run {
                    reply.assert_refused(&RefusalReason::ChallengeRequired);
                    cell.owner_passes(&tenants.effects).await;
                }
                ran += usize::from(has_run);
                tried += 1;
            }
            passed += usize::from(ran > 0);
            refused += usize::from(ran == 0);
        }
        println!("ways back, {order:?}: {refused} of 128 combinations refused, {passed} pass; {tried} tried");
        assert_eq!((refused, passed), if order == Order::BeforeTheRightOne { (127, 1) } else { (126, 2) });
    }
}

/// The same of requests that bring the proof's token along: their flow is wrong where the token is of another challenge of the sender's.
#[tokio::test]
async fn t2_t3_t4_t16_t27_t28_t29_t30_t40_one_of_128_requests_with_a_token_passes() {
    let mut tenants = Tenants::new().await;
    let (mut refused, mut passed) = (0, 0);
    for wrong in Wrong::all() {
        let mut cell = tenants.cell(wrong, json).await;
        // Without a wrong flow, the token is the owner's; with one, the sender's, of something else.
        let token = if wrong.is("flow") && !wrong.only_flow() {
            let another = json("/pay?another", "{}");
            let url = tenants.prove(&mut cell.other, wrong.is("tenant"), &another).await;
            parameter(&url, "token")
        } else {
            parameter(if wrong.is("flow") { &cell.own } else { &cell.right }, "token")
        };
        let before = tenants.effects.count();
        let reply = cell.other.send(&cell.others.clone().header(TOKEN, &token.unwrap())).await;
        let has_run = tenants.effects.count() > before;
        assert_eq!(
            (has_run, reply.status == 200),
            (wrong.nothing(), wrong.nothing()),
            "{:?}: {reply:?}",
            wrong.names()
        );
        if has_run {
            passed += 1;
        } else {
            refused += 1;
            cell.owner_passes(&tenants.effects).await;
        }
    }
    println!("tokens: {refused} of 128 combinations refused, {passed} passes");
    assert_eq!((refused, passed), (127, 1));
}
