//! What guards one route: its settings, and what Authsignal is track because of them.
use std::fmt;
use std::sync::Arc;

use authsignal_client::{ActionCode, CustomData, Track};
use http::request::Parts;

use crate::authsignal::Inner;
use crate::domain::decision::Policy;
use crate::request::identify::User;
use crate::request::signals::Signals;
use crate::verdict::question::LayerId;

/// A closure that gives data points for a request.
pub(super) type Custom = Arc<dyn Fn(&Parts) -> CustomData + Send + Sync>;

/// What guards one route.
#[derive(Clone)]
pub(super) struct Guard {
    /// Where it stands.
    pub(super) id: LayerId,
    pub(super) authsignal: Arc<Inner>,
    pub(super) action: ActionCode,
    pub(super) policy: Policy,
    pub(super) custom: Option<Custom>,
    /// What the token of a challenge may do with the user's methods.
    pub(super) scope: Option<String>,
    /// Whether users see their methods after the challenge.
    pub(super) redirect_to_settings: bool,
}

impl Guard {
    /// What Authsignal is track about a request, whatever the attempt.
    pub(super) fn track_of(&self, parts: &Parts, user: &User) -> Track {
        let signals = Signals::of(parts, &self.authsignal.addresses);
        let mut track = Track::new(self.action.clone());
        for (value, set) in [
            (signals.ip_address, Track::ip_address as fn(Track, String) -> Track),
            (signals.user_agent, Track::user_agent),
            (signals.device_id, Track::device_id),
            (user.locale.clone().or(signals.locale), Track::locale),
            (self.authsignal.custom_domain.clone(), Track::custom_domain),
            (self.scope.clone(), Track::scope),
            (user.email.clone(), Track::email),
            (user.phone_number.clone(), Track::phone_number),
            (user.username.clone(), Track::username),
        ] {
            if let Some(value) = value {
                track = set(track, value);
            }
        }
        if self.redirect_to_settings {
            track = track.redirect_to_settings(true);
        }
        match &self.custom {
            Some(custom) => track.custom(custom(parts)),
            None => track,
        }
    }
    pub(super) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("action", &self.action).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Guard", f)
    }
}
