//! Keys and authenticated encryption of what goes to a store.
//!
//! Whoever reads the store learns nothing, and whoever writes to it forges nothing: the key of a record's cipher comes
//! from our master secret *and* the cookie of the browser that the flow belongs to, and the record's own key is its
//! associated data, so a record put in another's place does not open (threats T43 to T45 and T93).
//! What counts the flows of a user, whatever the browser, is sealed with the master secret alone.
use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::key::Key;
use crate::domain::tenant::{Tenant, Tenants};
use crate::random::random;
use crate::request::cookie::BrowserId;

/// The first byte of a sealed record: how it is written and sealed. It is a part of each key, so that a record of another
/// format is never read as one of this; it counts as none. What [`record`](super::record) writes says nothing of itself, so
/// whoever changes that raises this.
const FORMAT: u8 = 8;
const NONCE: usize = 24;
/// How many bytes longer than what is in it a sealed record is.
pub(crate) const SEAL: usize = 1 + NONCE + 16;

/// What a record is, so that a flow can never be read as a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A browser's flow.
    Flow,
    /// The flow of a client without a cookie.
    BearerFlow,
    Ticket,
    /// A token that waits until it can be taken.
    Token,
    /// A token that waits in the address of its flow's page, where the store could not take it.
    CarriedToken,
    /// What waits of a user and session, whatever the browser.
    Waiting,
    /// What is revoked of a user.
    Revocations,
    /// That the application's own proof of a request was spent.
    Fallback,
    /// The name of a decision that waits, which an application keeps.
    Decision,
    /// The proof of a sign-in, in its browser.
    SignIn,
    /// That the attempt of a sign-in was taken.
    SignInAttempt,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Flow => b"flow",
            Self::BearerFlow => b"bearer flow",
            Self::Ticket => b"ticket",
            Self::Token => b"token",
            Self::CarriedToken => b"carried token",
            Self::Waiting => b"waiting",
            Self::Revocations => b"revocations",
            Self::Fallback => b"fallback",
            Self::Decision => b"decision",
            Self::SignIn => b"sign-in",
            Self::SignInAttempt => b"attempt of a sign-in",
        }
    }
}

/// Everything derived from one master secret: MACs that have taken in their keys already, since every request needs both.
#[derive(Clone)]
struct DerivedKeys {
    naming: Hmac<Sha256>,
    sealing: Hmac<Sha256>,
    drawing: Hmac<Sha256>,
}

impl DerivedKeys {
    fn derive(secret: &[u8]) -> Self {
        let kdf = Hkdf::<Sha256>::new(Some(b"axum-authsignal master v1"), secret);
        let mac = |label: &[u8]| {
            let mut key = [0; 32];
            kdf.expand(label, &mut key).expect("32 bytes are less than HKDF's limit");
            <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).expect("HMAC takes any length")
        };
        Self { naming: mac(b"naming"), sealing: mac(b"sealing"), drawing: mac(b"drawing") }
    }

    fn name(&self, tenant: &Tenant, purpose: Purpose, browser: &BrowserId, what: &[u8; 32]) -> Key {
        let mut mac = self.naming.clone();
        // The parts behind the label have a fixed length each, so none can run into the next.
        mac.update(purpose.label());
        mac.update(b"\0");
        mac.update(tenant.as_bytes());
        mac.update(browser.as_bytes());
        mac.update(what);
        Key::from(<[u8; 32]>::from(mac.finalize().into_bytes()))
    }

    /// HMAC makes keys as well as HKDF does, of a key that is evenly random already, as this one is (RFC 5869, section 3.3).
    fn cipher(&self, purpose: Purpose, browser: &BrowserId) -> XChaCha20Poly1305 {
        let mut mac = self.sealing.clone();
        // All but the label have a fixed length.
        mac.update(&[FORMAT]);
        mac.update(browser.as_bytes());
        mac.update(purpose.label());
        XChaCha20Poly1305::new(&<[u8; 32]>::from(mac.finalize().into_bytes()).into())
    }
}

/// The current master secret and tenant, and older ones under which records are still found and opened (threat T92).
#[derive(Clone)]
pub(crate) struct KeyRing {
    current: DerivedKeys,
    older: Vec<DerivedKeys>,
    tenants: Tenants,
}

impl KeyRing {
    pub(crate) fn new(current: &[u8], older: &[impl AsRef<[u8]>], tenants: Tenants) -> Self {
        Self {
            current: DerivedKeys::derive(current),
            older: older.iter().map(|secret| DerivedKeys::derive(secret.as_ref())).collect(),
            tenants,
        }
    }

    fn masters(&self) -> impl Iterator<Item = &DerivedKeys> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// The record's key under the current secret and tenant, then under each older one.
    pub(crate) fn names(&self, purpose: Purpose, browser: &BrowserId, what: &[u8; 32]) -> Vec<Key> {
        let of_tenant = |tenant| self.masters().map(move |master| master.name(tenant, purpose, browser, what));
        self.tenants.iter().flat_map(of_tenant).collect()
    }

    /// The record's key under the current secret and tenant, where new records go.
    pub(crate) fn name(&self, purpose: Purpose, browser: &BrowserId, what: &[u8; 32]) -> Key {
        self.current.name(&self.tenants.current, purpose, browser, what)
    }

    /// A number that is drawn for this once and for all, evenly, and the same on each node: nobody who does not have the secret
    /// can tell it, or choose what it is drawn for by it.
    pub(crate) fn draw(&self, what: &[u8; 32]) -> u64 {
        let mut mac = self.current.drawing.clone();
        mac.update(what);
        let bytes = <[u8; 32]>::from(mac.finalize().into_bytes());
        u64::from_be_bytes(std::array::from_fn(|at| bytes[at]))
    }

    /// Seals a record with the master secret that its key comes from: whoever finds it under that name can open it, also a
    /// node that has no newer secret yet.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        browser: &BrowserId,
        what: &[u8; 32],
        key: &Key,
        plain: &[u8],
    ) -> Vec<u8> {
        let names =
            |master: &&DerivedKeys| self.tenants.iter().any(|of| master.name(of, purpose, browser, what) == *key);
        let master = self.masters().find(names).unwrap_or(&self.current);
        Self::seal_with(master, purpose, browser, key, plain)
    }

    fn seal_with(master: &DerivedKeys, purpose: Purpose, browser: &BrowserId, key: &Key, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = random();
        let payload = Payload { msg: plain, aad: key.as_bytes() };
        let sealed = master
            .cipher(purpose, browser)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a record is far below the cipher's limit");
        [&[FORMAT][..], &nonce, &sealed].concat()
    }

    /// What was sealed for this browser under this key, or nothing.
    pub(crate) fn open(&self, purpose: Purpose, browser: &BrowserId, key: &Key, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&format, rest) = sealed.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        if format != FORMAT {
            return None;
        }
        self.masters().find_map(|master| {
            let payload = Payload { msg: sealed, aad: key.as_bytes() };
            master.cipher(purpose, browser).decrypt(&XNonce::from(*nonce), payload).ok()
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing([redacted], {} older)", self.older.len())
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&[u8]; 0] = [];

    fn keys_of(current: &[u8], older: &[impl AsRef<[u8]>]) -> KeyRing {
        KeyRing::new(current, older, Tenants::one(Tenant::of(1)))
    }

    #[test]
    fn what_is_sealed_opens_and_does_not_show() {
        let keys = keys_of(b"secret", &NONE);
        let browser = BrowserId::random();
        let key = keys.name(Purpose::Flow, &browser, &[1; 32]);
        let sealed = keys.seal(Purpose::Flow, &browser, &[1; 32], &key, b"canary-canary-canary");
        assert_eq!(keys.open(Purpose::Flow, &browser, &key, &sealed).as_deref(), Some(&b"canary-canary-canary"[..]));
        assert_eq!(sealed.len(), 20 + SEAL);
        // T43
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        assert_ne!(sealed, keys.seal(Purpose::Flow, &browser, &[1; 32], &key, b"canary-canary-canary"));
    }

    /// T44: each flipped bit of a record, and each cut, is refused.
    #[test]
    fn t44_a_changed_record_does_not_open() {
        let keys = keys_of(b"secret", &NONE);
        let browser = BrowserId::random();
        let key = Key::of(1);
        let sealed = keys.seal(Purpose::Flow, &browser, &[1; 32], &key, b"approved");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.open(Purpose::Flow, &browser, &key, &changed), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(keys.open(Purpose::Flow, &browser, &key, &sealed[..length]), None, "{length} bytes");
        }
    }

    /// A record that says it is of another format does not open, whatever is in it.
    #[test]
    fn a_record_of_another_format_does_not_open() {
        let keys = keys_of(b"secret", &NONE);
        let (browser, key) = (BrowserId::random(), Key::of(1));
        let mut sealed = keys.seal(Purpose::Flow, &browser, &[1; 32], &key, b"approved");
        for format in (0..=255).filter(|format| *format != FORMAT) {
            sealed[0] = format;
            assert_eq!(keys.open(Purpose::Flow, &browser, &key, &sealed), None, "{format}");
        }
    }

    /// T41, T45, T93: another browser, another key, another purpose, another master secret.
    #[test]
    fn t41_t45_t93_a_record_opens_only_in_its_place() {
        let keys = keys_of(b"secret", &NONE);
        let (browser, other) = (BrowserId::random(), BrowserId::random());
        let key = Key::of(1);
        let sealed = keys.seal(Purpose::Flow, &browser, &[1; 32], &key, b"approved");
        assert_eq!(keys.open(Purpose::Flow, &other, &key, &sealed), None);
        assert_eq!(keys.open(Purpose::Flow, &browser, &Key::of(2), &sealed), None);
        assert_eq!(keys.open(Purpose::Ticket, &browser, &key, &sealed), None);
        assert_eq!(keys.open(Purpose::Waiting, &browser, &key, &sealed), None);
        assert_eq!(keys.open(Purpose::BearerFlow, &browser, &key, &sealed), None);
        assert_eq!(keys_of(b"other", &NONE).open(Purpose::Flow, &browser, &key, &sealed), None);
        assert_ne!(keys.name(Purpose::Flow, &browser, &[1; 32]), keys.name(Purpose::Flow, &other, &[1; 32]));
        assert_ne!(keys.name(Purpose::Flow, &browser, &[1; 32]), keys.name(Purpose::Flow, &browser, &[2; 32]));
        assert_ne!(keys.name(Purpose::Flow, &browser, &[1; 32]), keys.name(Purpose::Ticket, &browser, &[1; 32]));
        assert_ne!(keys.name(Purpose::Flow, &browser, &[1; 32]), keys.name(Purpose::BearerFlow, &browser, &[1; 32]));
    }

    /// T92: after a rotation the older secret still names and opens; once it is dropped, it does not.
    #[test]
    fn t92_an_older_secret_opens_until_it_is_removed() {
        let browser = BrowserId::random();
        let before = keys_of(b"old", &NONE);
        let key = before.name(Purpose::Flow, &browser, &[1; 32]);
        let sealed = before.seal(Purpose::Flow, &browser, &[1; 32], &key, b"approved");

        let rotated = keys_of(b"new", &[b"old"]);
        assert!(rotated.names(Purpose::Flow, &browser, &[1; 32]).contains(&key));
        assert_eq!(rotated.open(Purpose::Flow, &browser, &key, &sealed).as_deref(), Some(&b"approved"[..]));

        let removed = keys_of(b"new", &NONE);
        assert!(!removed.names(Purpose::Flow, &browser, &[1; 32]).contains(&key));
        assert_eq!(removed.open(Purpose::Flow, &browser, &key, &sealed), None);
    }

    /// T114: a record of one tenant has no name at another, and one that was named before a rotation is still found.
    #[test]
    fn t114_a_record_has_a_name_of_its_own_at_each_tenant() {
        let browser = BrowserId::random();
        let of = |current, older: &[u8]| {
            let older = older.iter().copied().map(Tenant::of).collect();
            KeyRing::new(b"secret", &NONE, Tenants { current: Tenant::of(current), older })
        };
        for purpose in [Purpose::Flow, Purpose::Ticket, Purpose::Waiting] {
            let key = of(1, &[]).name(purpose, &browser, &[1; 32]);
            assert!(!of(2, &[3]).names(purpose, &browser, &[1; 32]).contains(&key));
            assert_eq!(of(2, &[3, 1]).names(purpose, &browser, &[1; 32]).iter().position(|name| *name == key), Some(2));
            assert_eq!(of(1, &[2]).names(purpose, &browser, &[1; 32])[0], key);
        }
    }

    #[test]
    fn keys_do_not_show_in_debug() {
        let keys = keys_of(b"canary-secret", &[b"canary-older"]);
        assert_eq!(format!("{keys:?}"), "KeyRing([redacted], 1 older)");
    }
}
