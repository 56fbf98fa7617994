//! Several tenants and applications over one store: none of them lives on what was approved for another.
use authsignal_emulator::{Emulator, Outcome, Tenant};
use axum::Router;
use axum::routing::any;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{Authsignal, AuthsignalBuilder, AuthsignalLayer, Client, Clock, ConfigError};

use crate::support::{Ask, CALLBACK, Effects, Visitor, app, builder, clock, get, handle, way_back};

const ONE: &str = "the-first-key";
const TWO: &str = "the-second-key";
const SECRET: [u8; 32] = [7; 32];

/// A service that knows users by two keys, and one store for whoever asks it.
struct SharedStore {
    clock: Clock,
    emulator: Emulator,
    store: MemoryStore,
    effects: Effects,
}

impl SharedStore {
    async fn new() -> Self {
        let clock = clock();
        Self {
            emulator: service(&clock).await,
            store: MemoryStore::new().clock(clock.clone()),
            effects: Effects::default(),
            clock,
        }
    }

    /// A handle on this service by a key of it, with the store that all share.
    fn by(&self, key: &str) -> AuthsignalBuilder {
        self.at(&self.emulator, key)
    }

    fn at(&self, emulator: &Emulator, key: &str) -> AuthsignalBuilder {
        let client = Client::builder(key).base_url(emulator.base_url()).build().unwrap();
        let of = Authsignal::builder(client).callback_url(CALLBACK).clock(self.clock.clone()).store(self.store.clone());
        of.identify_parts(|parts| crate::support::who(&parts.headers))
    }

    fn visitor(&self, of: AuthsignalBuilder) -> Visitor {
        Visitor::new(&app(&of.build().unwrap(), &self.effects), "ada")
    }

    /// The same browser, at another application.
    fn same_at(&self, visitor: &Visitor, of: AuthsignalBuilder) -> Visitor {
        Visitor { cookie: visitor.cookie.clone(), ..self.visitor(of) }
    }

    async fn approve(&self, visitor: &mut Visitor, ask: &Ask) {
        let challenge = visitor.challenge(ask).await;
        let back = visitor.send(&way_back(&self.emulator.succeed(&challenge).unwrap())).await;
        assert_eq!((back.status, back.location()), (303, ask.target.as_str()));
    }

    /// Whatever is approved at one of these passes there, and is nothing at the other.
    async fn assert_apart(&self, one: AuthsignalBuilder, other: AuthsignalBuilder, why: &str) {
        let mut here = self.visitor(one);
        let before = self.effects.count();
        for target in ["/pay", "/kept"] {
            let ask = get(target).navigating();
            self.approve(&mut here, &ask).await;
        }
        let there = self.same_at(&here, other);
        for target in ["/pay", "/kept"] {
            there.clone().challenge(&get(target).navigating()).await;
        }
        assert_eq!(self.effects.count(), before, "{why}");
        for target in ["/pay", "/kept"] {
            here.send(&get(target).navigating()).await.assert_passed();
        }
        assert_eq!(self.effects.count(), before + 2, "{why}");
    }
}

async fn service(clock: &Clock) -> Emulator {
    let tenant = Tenant::new().second_secret(TWO);
    let emulator = Emulator::builder().secret(ONE).tenant(tenant).clock(clock.clone()).start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator
}

/// T40, T114: with one secret and one store, an approval of one tenant is nothing to another.
#[tokio::test]
async fn t40_t114_tenants_that_share_secret_and_store_share_no_approval() {
    let shared = SharedStore::new().await;
    let by = |key| shared.by(key).secret(SECRET);
    shared.assert_apart(by(ONE), by(TWO), "another key").await;
    shared.assert_apart(by(ONE), by(ONE).tenant_id("t-1"), "a key and an id").await;
    shared.assert_apart(by(ONE).tenant_id("t-1"), by(ONE).tenant_id("t-2"), "another id").await;
    let two = "https://app.example.com/two/callback";
    shared.assert_apart(by(ONE), by(ONE).callback_url(two), "another callback").await;
    let elsewhere = service(&shared.clock).await;
    shared.assert_apart(by(ONE), shared.at(&elsewhere, ONE).secret(SECRET), "another base URL").await;
}

/// T16: nor is a way back of one taken at another: its ticket is nowhere there.
#[tokio::test]
async fn t16_a_way_back_of_one_tenant_ends_at_another() {
    let shared = SharedStore::new().await;
    let mut here = shared.visitor(shared.by(ONE).secret(SECRET));
    let challenge = here.challenge(&get("/pay").navigating()).await;
    let back = way_back(&shared.emulator.succeed(&challenge).unwrap());
    let mut there = shared.same_at(&here, shared.by(TWO).secret(SECRET));
    assert_eq!(there.send(&back).await.reason(), Some(&axum_authsignal::RefusalReason::UnknownFlow));
    assert_eq!(here.send(&back).await.location(), "/pay");
}

/// T16, T61, T114: what an outer layer of one tenant says is no answer for an inner layer of another.
#[tokio::test]
async fn t61_t114_an_outer_layer_of_another_tenant_answers_for_none() {
    let shared = SharedStore::new().await;
    shared.emulator.set_outcome("pay", Outcome::Allow);
    let handle_of = |of: AuthsignalBuilder| of.secret(SECRET).build().unwrap();
    let one = handle_of(shared.by(ONE));
    for (why, inner, tracks) in [
        ("the same", handle_of(shared.by(ONE)), 1),
        ("another key", handle_of(shared.by(TWO)), 2),
        ("an id", handle_of(shared.by(ONE).tenant_id("t-1")), 2),
    ] {
        let both = (AuthsignalLayer::new(&one, "pay"), AuthsignalLayer::new(&inner, "pay"));
        let app = Router::new().route("/x", any(handle).layer(both)).with_state(shared.effects.clone());
        let before = shared.emulator.calls(authsignal_emulator::Endpoint::Track);
        Visitor::new(&app, "ada").send(&get("/x")).await.assert_passed();
        let after = shared.emulator.calls(authsignal_emulator::Endpoint::Track);
        assert_eq!(after - before, tracks, "{why}");
    }
}

/// T92, T114: one setter for one rotation of the API key, whatever was derived from it.
#[tokio::test]
async fn t92_t114_approvals_outlive_a_rotation_of_the_api_key() {
    let shared = SharedStore::new().await;
    type Change = fn(AuthsignalBuilder) -> AuthsignalBuilder;
    let same: Change = |of| of;
    let secret: Change = |of| of.secret(SECRET);
    let id: Change = |of| of.tenant_id("t-1");
    let secret_and_id: Change = |of| of.secret(SECRET).tenant_id("t-1");
    let listed: Change = |of| of.older_api_key("another").older_api_key(ONE);
    for (why, before, after, survives) in [
        ("all derived, listed", same, listed, true),
        ("all derived, not listed", same, same, false),
        ("a secret of its own, listed", secret, (|of| of.secret(SECRET).older_api_key(ONE)) as Change, true),
        ("a secret of its own, not listed", secret, secret, false),
        ("an id, listed", id, |of| of.tenant_id("t-1").older_api_key(ONE), true),
        ("an id, not listed: the secret is derived", id, id, false),
        ("an id and a secret", secret_and_id, secret_and_id, true),
        ("an id that is new, listed", same, |of| of.tenant_id("t-1").older_api_key(ONE), true),
        ("another id", secret_and_id, |of| of.secret(SECRET).tenant_id("t-2").older_api_key(ONE), false),
        ("the key as a secret, not as a key", secret, |of| of.secret(SECRET).older_secret([8; 32]), false),
    ] {
        let kept = get("/kept").navigating();
        let mut old = shared.visitor(before(shared.by(ONE)));
        shared.approve(&mut old, &kept).await;
        let waits = old.challenge(&get("/pay").navigating()).await;
        let mut new = shared.same_at(&old, after(shared.by(TWO)));
        let runs = shared.effects.count();
        if survives {
            new.send(&kept).await.assert_passed();
            assert_eq!(new.challenge(&get("/pay").navigating()).await, waits, "{why}");
            let back = new.send(&way_back(&shared.emulator.succeed(&waits).unwrap())).await;
            assert_eq!((back.status, back.location()), (303, "/pay"), "{why}");
            new.send(&get("/pay").navigating()).await.assert_passed();
            new.challenge(&get("/pay").navigating()).await;
        } else {
            new.challenge(&kept).await;
        }
        assert_eq!(shared.effects.count() - runs, if survives { 2 } else { 0 }, "{why}");
    }
}

#[tokio::test]
async fn settings_of_the_tenant_are_checked() {
    let shared = SharedStore::new().await;
    for key in ["", "a key", "a:b", "a\nb"] {
        assert_eq!(shared.by(ONE).older_api_key(key).build().unwrap_err(), ConfigError::OlderApiKey, "{key:?}");
    }
    let refused = shared.by(ONE).tenant_id("").build().unwrap_err();
    assert!(matches!(refused, ConfigError::TenantId { .. }), "{refused:?}");
    let building = builder(&shared.emulator, &shared.clock).older_api_key("canary-key");
    assert!(!format!("{building:?}").contains("canary"));
    assert!(!format!("{:?}", building.build().unwrap()).contains("canary"));
}
