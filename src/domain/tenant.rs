//! Which tenant of the service it is, and which application: what keeps their flows apart (threats T16, T40 and T114).
use std::fmt;

use url::Url;

use crate::domain::fields::Fields;

/// Under which a tenant is told from others by its API secret key.
pub(crate) const TENANT_LABEL: &str = "axum-authsignal tenant v1";

/// What a handle's flows belong to. Two handles with the same are one; two that differ in any part never share a flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tenant([u8; 32]);

/// What tells tenants apart that are reached at the same base URL.
#[derive(Clone, Copy)]
pub(crate) enum KnownBy<'a> {
    /// What [`TENANT_LABEL`] derives from a tenant's API secret key, which itself need not be known here.
    ApiKey([u8; 32]),
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
                fields.add(key);
            }
            KnownBy::Id(id) => {
                fields.add("id");
                fields.add(id);
            }
        }
        Self(fields.finish())
    }

    /// One that is no handle's.
    #[cfg(feature = "testing")]
    pub(crate) fn random() -> Self {
        Self(crate::random::random())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn of(byte: u8) -> Self {
        Self([byte; 32])
    }
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
    use super::*;

    fn tenant(base_url: &str, callback_url: &str, known_by: KnownBy<'_>) -> Tenant {
        Tenant::new(&base_url.parse().unwrap(), &callback_url.parse().unwrap(), known_by)
    }

    const BASE: &str = "https://api.authsignal.com/v1";
    const CALLBACK: &str = "https://app.example.com/authsignal/callback";

    #[test]
    fn t114_the_same_parts_are_the_same_tenant() {
        for known_by in [KnownBy::ApiKey([1; 32]), KnownBy::Id("k")] {
            assert_eq!(tenant(BASE, CALLBACK, known_by), tenant(BASE, CALLBACK, known_by));
        }
    }

    #[test]
    fn t114_another_base_url_is_another_tenant() {
        let other = tenant("https://eu.api.authsignal.com/v1", CALLBACK, KnownBy::ApiKey([1; 32]));
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::ApiKey([1; 32])), other);
    }

    #[test]
    fn t114_another_callback_url_is_another_application() {
        let other = tenant(BASE, "https://app.example.com/two/callback", KnownBy::ApiKey([1; 32]));
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::ApiKey([1; 32])), other);
    }

    #[test]
    fn t114_another_key_is_another_tenant() {
        let [one, other] = [[1; 32], [2; 32]].map(|key| tenant(BASE, CALLBACK, KnownBy::ApiKey(key)));
        assert_ne!(one, other);
    }

    #[test]
    fn t114_another_id_is_another_tenant() {
        let [one, other] = ["one", "other"].map(|id| tenant(BASE, CALLBACK, KnownBy::Id(id)));
        assert_ne!(one, other);
        let key = [b'k'; 32];
        let id = std::str::from_utf8(&key).unwrap();
        assert_ne!(tenant(BASE, CALLBACK, KnownBy::Id(id)), tenant(BASE, CALLBACK, KnownBy::ApiKey(key)));
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", tenant(BASE, CALLBACK, KnownBy::ApiKey([1; 32]))), "Tenant");
    }
}
