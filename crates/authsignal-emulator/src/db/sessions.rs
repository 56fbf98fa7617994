//! What happens to sessions: begun, refreshed, revoked.
use std::time::SystemTime;

use crate::db::Db;
use crate::db::session::Session;
use crate::db::table::FoundBy;

impl Db {
    pub(crate) fn put_session(&mut self, session: Session, now: SystemTime) {
        if self.sessions.len() >= self.sweep_sessions_at.max(1024) {
            self.sessions.retain(|known| now < known.refreshable_until.max(known.expires_at));
            self.sweep_sessions_at = self.sessions.len() * 2;
        }
        self.sessions.insert(session);
    }

    /// Takes the session of a refresh token, which is good for one use.
    pub(crate) fn take_refreshable(&mut self, refresh_token: &str, now: SystemTime) -> Option<Session> {
        let found = self.sessions.of(&FoundBy::RefreshToken(refresh_token.to_owned())).next()?.id.clone();
        self.sessions.remove(&found).filter(|session| now < session.refreshable_until)
    }

    pub(crate) fn revoke_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    pub(crate) fn revoke_sessions_of(&mut self, user: &str) {
        self.sessions.remove_of(&FoundBy::user(user));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use authsignal_client::UserId;

    fn session(id: &str, user: &str) -> Session {
        let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        Session {
            id: id.into(),
            user: UserId::new(user).unwrap(),
            client_id: "app".into(),
            refresh_token: format!("refresh-{id}"),
            expires_at: after(60),
            refreshable_until: after(120),
            verification_method: None,
        }
    }

    #[test]
    fn a_refresh_token_is_taken_once_and_in_time() {
        let mut db = Db::default();
        db.put_session(session("1", "ada"), UNIX_EPOCH);
        db.put_session(session("2", "ada"), UNIX_EPOCH);
        assert!(db.take_refreshable("refresh-3", UNIX_EPOCH).is_none());
        assert_eq!(db.take_refreshable("refresh-1", UNIX_EPOCH).unwrap().id, "1");
        assert!(db.take_refreshable("refresh-1", UNIX_EPOCH).is_none(), "again");
        assert!(db.take_refreshable("refresh-2", UNIX_EPOCH + Duration::from_secs(120)).is_none(), "too late");
    }

    #[test]
    fn revoking() {
        let mut db = Db::default();
        for (id, user) in [("1", "ada"), ("2", "ada"), ("3", "eve")] {
            db.put_session(session(id, user), UNIX_EPOCH);
        }
        db.revoke_session("1");
        db.revoke_session("unknown");
        assert_eq!(db.sessions.len(), 2);
        db.revoke_sessions_of("ada");
        assert_eq!(db.sessions.keys().collect::<Vec<_>>(), ["3"]);
    }
}
