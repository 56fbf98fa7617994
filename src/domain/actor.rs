//! PURE: who is behind a request, and what becomes of those that no person, or not the account's own, is behind.
use std::fmt;

use authsignal_client::UserId;

/// Who is behind a request, as far as [`identify`](crate::AuthsignalBuilder::identify) says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Actor {
    /// The account's user.
    #[default]
    Person,
    /// Nobody: a service's token, scheduled work ([`User::machine`](crate::User::machine)).
    Machine,
    /// Somebody else, with this id of their own, who acts as the user
    /// ([`User::impersonated_by`](crate::User::impersonated_by)).
    Impersonator(UserId),
}

impl Actor {
    /// A short name, for logs and for what Authsignal is told.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Machine => "machine",
            Self::Impersonator(_) => "impersonator",
        }
    }

    /// The id of who acts as the user.
    #[must_use]
    pub fn impersonator(&self) -> Option<&UserId> {
        match self {
            Self::Impersonator(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it is the account's own user.
    #[must_use]
    pub fn is_person(&self) -> bool {
        *self == Self::Person
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of requests that the account's own user is not behind:
/// [`AuthsignalLayer::machines`](crate::AuthsignalLayer::machines) and
/// [`AuthsignalLayer::impersonation`](crate::AuthsignalLayer::impersonation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoPerson {
    /// They are refused with 403, and Authsignal is not asked. The default.
    #[default]
    Refuse,
    /// They pass where Authsignal allows it by itself, and are refused where it asks for a proof: nobody is there to give one.
    AllowedOnly,
    /// A person is asked each time: the account's user where it is a machine, and the impersonator where there is one. They pass
    /// with that proof alone. What Authsignal allows without one is refused, so let one of its rules ask for a challenge where
    /// the data point `stepUpActor` is `machine` or `impersonator`.
    AskPerson,
}

impl NoPerson {
    /// Whether a layer that says this has been as strict as one that says `inner`.
    pub(crate) fn is_enough_for(self, inner: Self) -> bool {
        self == Self::Refuse || self == inner || inner == Self::AllowedOnly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T61: what one layer said of them counts for another that says no more.
    #[test]
    fn t61_an_outer_layer_was_as_strict_with_machines() {
        use NoPerson::{AllowedOnly, AskPerson, Refuse};
        for (outer, inner, is_enough) in [
            (Refuse, Refuse, true),
            (Refuse, AllowedOnly, true),
            (Refuse, AskPerson, true),
            (AskPerson, Refuse, false),
            (AskPerson, AskPerson, true),
            (AskPerson, AllowedOnly, true),
            (AllowedOnly, Refuse, false),
            (AllowedOnly, AskPerson, false),
            (AllowedOnly, AllowedOnly, true),
        ] {
            assert_eq!(outer.is_enough_for(inner), is_enough, "{outer:?} {inner:?}");
        }
    }
}
