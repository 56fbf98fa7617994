//! What a layer asks about a request, and in which run of it: whether an outer layer's answer stands for an inner one.
//!
//! It does for the very same question, and once: a retry, a fan-out or a sub-request with cloned extensions is another run,
//! in which every layer decides for itself (threats T61, T115 and T116).
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use authsignal_client::{ActionCode, Track, UserId};
use http::Method;

use crate::domain::actor::Actor;
use crate::domain::coverage::{Address, Digest};
use crate::domain::flow::RequestId;
use crate::domain::policy::Policy;
use crate::domain::tenant::Tenant;

/// Everything that a layer's answer depends on, apart from the time and of the body all but what is read of it.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) tenant: Tenant,
    /// Who is asked: the user, or whoever acts as them.
    pub(crate) user: UserId,
    /// Who is behind it, and for whose account it is.
    pub(crate) actor: Actor,
    pub(crate) account: UserId,
    pub(crate) session: Option<String>,
    pub(crate) action: ActionCode,
    pub(crate) policy: Policy,
    pub(crate) method: Method,
    pub(crate) address: Address,
    pub(crate) track: TrackAsked,
    /// The value that its body was read as.
    pub(crate) transaction: Option<Digest>,
}

impl Question {
    /// Whether what an outer layer asked was this, or more.
    pub(crate) fn is_answered_by(&self, outer: &Self) -> bool {
        self.tenant == outer.tenant
            && self.user == outer.user
            && self.actor == outer.actor
            && self.account == outer.account
            && self.session == outer.session
            && self.action == outer.action
            && self.policy.is_met_by(&outer.policy)
            && self.method == outer.method
            && self.address.is_within(&outer.address)
            && self.track.is(&outer.track)
            && self.transaction == outer.transaction
    }
}

/// What Authsignal's rules have to go by: the user's addresses, their surroundings, the application's own data. Nothing gives it
/// back and it has no `Debug`, so that no handler and no log sees it.
#[derive(Clone)]
pub(crate) struct TrackAsked(Arc<Track>);

impl TrackAsked {
    pub(crate) fn new(track: Arc<Track>) -> Self {
        Self(track)
    }

    pub(crate) fn track(&self) -> &Track {
        &self.0
    }

    /// Whether both are sent as the same, apart from what names the attempt, which only layers within layers ask. What
    /// cannot be sent is like nothing.
    fn is(&self, other: &Self) -> bool {
        let sent = |asked: &Self| {
            let mut sent = serde_json::to_value(asked.track()).ok()?;
            let members = sent.as_object_mut()?;
            for of_attempt in ["idempotencyKey", "redirectUrl"] {
                members.remove(of_attempt);
            }
            Some(sent)
        };
        let [one, other] = [self, other].map(sent);
        one.is_some() && one == other
    }
}

/// Which layer it is: each place where one is put is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerId(u64);

impl LayerId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One way of a request through the layers in front of its handler.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) id: RequestId,
    /// The layer that it is at.
    layer: LayerId,
    /// Those that it came through before.
    outer: Vec<LayerId>,
}

impl Run {
    /// It begins at this layer.
    pub(crate) fn new(id: RequestId, layer: LayerId) -> Self {
        Self { id, layer, outer: Vec::new() }
    }

    /// It comes to this layer next, unless it was there before: no layer is inside itself, so that is another run.
    pub(crate) fn through(&self, layer: LayerId) -> Option<Self> {
        if self.layer == layer || self.outer.contains(&layer) {
            return None;
        }
        Some(Self { id: self.id, layer, outer: [&self.outer[..], &[self.layer]].concat() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::random;

    fn begun(layer: LayerId) -> Run {
        Run::new(RequestId(random()), layer)
    }

    /// T116: a run goes through each layer once.
    #[test]
    fn t116_a_run_meets_no_layer_twice() {
        let [one, two, three] = [LayerId::new(), LayerId::new(), LayerId::new()];
        let run = begun(one).through(two).unwrap().through(three).unwrap();
        assert!([one, two, three].iter().all(|layer| run.through(*layer).is_none()));
        assert_eq!(run.id, run.through(LayerId::new()).unwrap().id);
        assert_ne!(run.id, begun(one).id);
    }

    /// T115: what cannot be sent was told to nobody.
    #[test]
    fn t115_what_cannot_be_sent_is_like_nothing() {
        let track = |number: f64| {
            TrackAsked::new(Arc::new(Track::new("pay").custom(authsignal_client::CustomData::new().with("n", number))))
        };
        assert!(track(1.0).is(&track(1.0)) && !track(1.0).is(&track(2.0)));
        assert!(!track(f64::NAN).is(&track(f64::NAN)));
    }
}
