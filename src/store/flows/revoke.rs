//! Ends all flows of a user, or of one of the user's sessions, without a look at any of them: a record that counts for all
//! (threat T29).
use super::machine::{Found, MANY_TRIES, Next, Record, StandingRevocations, Step, Transition};
use super::{FlowStore, Place};
use crate::domain::fields::Fields;
use crate::domain::flow::Moment;
use crate::domain::revocation::{Known, REVOCATION_TTL, RevocationId, Revocations};
use crate::random::random;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::key::Key;
use crate::store::seal::Purpose;

/// The user whose revocations a record holds, whatever the session and the browser.
fn of_user(user: &str) -> [u8; 32] {
    let mut fields = Fields::new("revocations");
    fields.add(user);
    fields.finish()
}

/// One more revocation.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct Revoke<'a> {
    /// The session whose flows it ends; all of the user's where there is none.
    pub(crate) session: Option<&'a str>,
    pub(crate) id: RevocationId,
}

impl Record for Revocations {}

impl Transition for Revoke<'_> {
    type Record = Revocations;
    type Outcome = ();
    const TRIES: usize = MANY_TRIES;

    fn apply(&self, found: Found<Revocations>, now: Moment) -> Next<Revocations, ()> {
        let after = match found {
            Found::Nothing => Revocations::default().with(self.session, self.id, now),
            Found::Here(_, before) => before.with(self.session, self.id, now),
            // What it takes the place of may have revoked anything.
            Found::Void(_) => Revocations::default().with(None, self.id, now),
        };
        Next::Write(after, REVOCATION_TTL, ())
    }
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
        for name in self.names_of_revocations(user) {
            let step = Step::begin(Revoke { session, id }, vec![name]);
            self.finish(Place::of_all(Purpose::Revocations, &what), step).await?;
        }
        Ok(())
    }

    /// The revocations that stand for this session of the user's.
    ///
    /// # Errors
    ///
    /// Where a record cannot be read, whatever the reason, nobody can say what is revoked.
    pub(crate) async fn revoked(&self, user: &str, session: Option<&str>) -> Result<Known, Error> {
        let mut standing = StandingRevocations::new(self.names_of_revocations(user), session);
        while let Some(key) = standing.key() {
            let found = self.load(Purpose::Revocations, &BrowserId::ANY, key).await?;
            standing.found(found, self.now())?;
        }
        Ok(standing.known())
    }

    pub(super) fn names_of_revocations(&self, user: &str) -> Vec<Key> {
        self.keys.names(Purpose::Revocations, &BrowserId::ANY, &of_user(user))
    }
}
