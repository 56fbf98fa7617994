//! The parts of a guarded request, each alone, for the measurements in `benches/`. No build of an application has it: it
//! takes `--cfg authsignal_benches`.
#![allow(missing_docs, missing_debug_implementations, reason = "nobody but the measurements uses it")]

use authsignal_client::ActionState;
use http::{HeaderMap, Method, Request};

use crate::domain::coverage::{self, Address, Coverage, Shape};
use crate::domain::decision::{self, Answered, Decision};
use crate::domain::policy::Policy;
use crate::domain::tenant::{KnownBy, Tenant, Tenants};
use crate::request::cookie::BrowserId;
use crate::store::Key;
use crate::store::seal::{KeyRing, Purpose};

/// A request that an approval may cover.
pub struct Covered {
    method: Method,
    address: Address,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Covered {
    pub async fn new(request: Request<Vec<u8>>) -> Self {
        let (mut parts, body) = request.into_parts();
        let address = Address::of(&mut parts).await;
        Self { method: parts.method, address, headers: parts.headers, body }
    }

    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let shape = Shape { method: &self.method, address: &self.address, headers: &self.headers };
        coverage::digest(Coverage::default(), None, &shape, &self.body).0
    }
}

/// Whether a request of somebody enrolled passes.
#[must_use]
pub fn passes(state: &ActionState) -> bool {
    let answered = Answered { state, is_enrolled: Some(true), allowed: &[], enrolled: &[] };
    matches!(decision::decide(&answered, &Policy::default()), Decision::Pass(_))
}

/// Seals the records of one browser.
pub struct Sealer {
    keys: KeyRing,
    browser: BrowserId,
}

impl Sealer {
    #[must_use]
    pub fn new() -> Self {
        let url = |text: &str| text.parse().expect("a URL");
        let (api, callback) =
            (url("https://api.authsignal.com/v1"), url("https://app.example.com/authsignal/callback"));
        let tenant = Tenant::new(&api, &callback, KnownBy::ApiKey([7; 32]));
        let tenants = Tenants { current: tenant, older: Vec::new() };
        Self { keys: KeyRing::new(&[7; 32], &[] as &[&[u8]], tenants), browser: BrowserId::random() }
    }

    #[must_use]
    pub fn name(&self, what: &[u8; 32]) -> Key {
        self.keys.name(Purpose::Flow, &self.browser, what)
    }

    #[must_use]
    pub fn seal(&self, what: &[u8; 32], key: &Key, plain: &[u8]) -> Vec<u8> {
        self.keys.seal(Purpose::Flow, &self.browser, what, key, plain)
    }

    #[must_use]
    pub fn open(&self, key: &Key, sealed: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(Purpose::Flow, &self.browser, key, sealed)
    }
}

impl Default for Sealer {
    fn default() -> Self {
        Self::new()
    }
}
