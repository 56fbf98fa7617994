//! Which tenant of the service it is, and which application: what keeps their flows apart (threats T16, T40 and T114).
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

use crate::domain::fields::Fields;

/// What a handle's flows belong to. Two handles with the same are one; two that differ in any part never share a flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tenant([u8; 32]);

/// What tells tenants apart that are reached at the same base URL.
#[derive(Clone, Copy)]
pub(crate) enum KnownBy<'a> {
    /// A tenant's API secret key, of which a MAC alone is used.
    ApiKey(&'a str),
    /// A tenant's id, which outlives its keys.
    Id(&'a str),
}

impl Tenant {
    pub(crate) fn new(base_url: &Url, callback_url: &Url, known_by: KnownBy<'_>) -> Self {
        let mut fields = Fields::new("tenant");
        fields.add(base_url.as_str());
        fields.add(callback_url.as_str());
        match known_by {
            KnownBy::ApiKey(key) => {
                fields.add("key");
                fields.add(mac(key));
            }
            KnownBy::Id(id) => {
                fields.add("id");
                fields.add(id);
            }
        }
        Self(fields.finish())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn of(byte: u8) -> Self {
        Self([byte; 32])
    }
}

/// Stands for a key wherever it need not be known, only told from others.
fn mac(key: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes any length");
    mac.update(b"axum-authsignal tenant v1");
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenant")
    }
}

/// The tenant whose flows are written, and those under which they were named before a rotation.
#[derive(Clone, Debug)]
pub(crate) struct Tenants {
    pub(crate) current: Tenant,
    pub(crate) older: Vec<Tenant>,
}

impl Tenants {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tenant> {
        std::iter::once(&self.current).chain(&self.older)
    }

    #[cfg(test)]
    pub(crate) fn one(tenant: Tenant) -> Self {
        Self { current: tenant, older: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn tenant(base_url: &str, callback_url: &str, known_by: KnownBy<'_>) -> Tenant {
        Tenant::new(&base_url.parse().unwrap(), &callback_url.parse().unwrap(), known_by)
    }

    const BASE: &str = "https://api.authsignal.com/v1";
    const CALLBACK: &str = "https://app.example.com/authsignal/callback";

    #[test]
    fn t114_the_same_parts_are_the_same_tenant() {
        for known_by in [KnownBy::ApiKey("k"), KnownBy::Id("k")] {
            assert_eq!(tenant(BASE, CALLBACK, known_by), tenant(BASE, CALLBACK, known_by));
        }
    }

    #[test]
    fn t114_another_base_url_is_another_tenant() {
        let other = tenant("https://eu.api.authsignal.com/v1", CALLBACK, KnownBy::ApiKey("k"));
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::ApiKey("k")), other);
    }

    #[test]
    fn t114_another_callback_url_is_another_application() {
        let other = tenant(BASE, "https://app.example.com/two/callback", KnownBy::ApiKey("k"));
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::ApiKey("k")), other);
    }

    #[test]
    fn t114_another_key_is_another_tenant() {
        let [one, other] = ["one", "other"].map(|key| tenant(BASE, CALLBACK, KnownBy::ApiKey(key)));
        assert_ne!(one, other);
    }

    #[test]
    fn t114_another_id_is_another_tenant() {
        let [one, other] = ["one", "other"].map(|id| tenant(BASE, CALLBACK, KnownBy::Id(id)));
        assert_ne!(one, other);
        let key = URL_SAFE_NO_PAD.encode(mac("one"));
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::Id(&key)), tenant(BASE, CALLBACK, KnownBy::ApiKey("one")));
    }

    #[test]
    fn the_key_itself_is_nowhere_in_it() {
        assert_eq!(format!("{:?}", tenant(BASE, CALLBACK, KnownBy::ApiKey("canary"))), "Tenant");
        assert_ne!(mac("canary")[..6], *b"canary");
    }
}
