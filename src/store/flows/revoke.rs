//! Ends all flows of a user, or of one of the user's sessions, without a look at any of them: a record that counts for all
//! (threat T29).
use crate::domain::fields::Fields;
use crate::domain::revocation::{Known, REVOCATION_TTL, RevocationId, Revocations};
use crate::random::random;
use crate::request::cookie::BrowserId;
use crate::store::key::Key;
use crate::store::seal::Purpose;
use crate::store::{Error, Version, record};

use super::{FlowStore, Tries, warn_unopened};

/// The user whose revocations a record holds, whatever the session and the browser.
fn of_user(user: &str) -> [u8; 32] {
    let mut fields = Fields::new("revocations");
    fields.add(user);
    fields.finish()
}

/// A user's record under one of its names.
enum Found {
    Absent,
    Here(Version, Revocations),
    /// Somebody else's bytes, or a newer version's: what it revokes is not known.
    Unread(Version),
}

impl FlowStore {
    /// Ends each flow of this user, or of this session of the user's, that was begun before now.
    ///
    /// It is written under every name that the record has, so that a node that knows only the older master secret or
    /// API key sees it as well. Where such a node revokes the same user once more, what is begun there does not count at
    /// the newer nodes, which know of both.
    pub(crate) async fn revoke(&self, user: &str, session: Option<&str>) -> Result<(), Error> {
        let what = of_user(user);
        let id = RevocationId(random());
        for key in self.keys.names(Purpose::Revocations, &BrowserId::ANY, &what) {
            let mut tries = Tries::many();
            loop {
                let (version, before) = match self.revocations(&key).await? {
                    Found::Absent => (None, Some(Revocations::default())),
                    Found::Here(version, revocations) => (Some(version), Some(revocations)),
                    Found::Unread(version) => (Some(version), None),
                };
                let after = match before {
                    Some(before) => before.with(session, id, self.now()),
                    // What it takes the place of may have revoked anything.
                    None => Revocations::default().with(None, id, self.now()),
                };
                let sealed =
                    self.keys.seal_as_named(Purpose::Revocations, &BrowserId::ANY, &what, &key, &record::write(&after));
                if tries.wrote(self.store.swap(&key, version, sealed, REVOCATION_TTL).await)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The revocations that stand for this session of the user's.
    ///
    /// # Errors
    ///
    /// Where a record cannot be read, whatever the reason, nobody can say what is revoked.
    pub(crate) async fn revoked(&self, user: &str, session: Option<&str>) -> Result<Known, Error> {
        let what = of_user(user);
        let mut standing = Vec::new();
        for key in self.keys.names(Purpose::Revocations, &BrowserId::ANY, &what) {
            match self.revocations(&key).await? {
                Found::Absent => {}
                Found::Here(_, revocations) => standing.extend(revocations.standing(session, self.now())),
                Found::Unread(_) => {
                    warn_unopened(Purpose::Revocations, &key);
                    return Err(Error::unavailable("the record of a user's revocations cannot be read"));
                }
            }
        }
        Ok(standing.into_iter().collect())
    }

    async fn revocations(&self, key: &Key) -> Result<Found, Error> {
        let Some((version, sealed)) = self.store.load(key).await? else { return Ok(Found::Absent) };
        let opened = self.keys.open(Purpose::Revocations, &BrowserId::ANY, key, &sealed);
        Ok(opened
            .and_then(|plain| record::read(&plain))
            .map_or(Found::Unread(version), |all| Found::Here(version, all)))
    }
}
