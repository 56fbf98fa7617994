//! How decisions end.
use std::fmt;

/// How a decision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The request passed: Authsignal allowed it, for a user who could have been challenged.
    Allowed,
    /// It passed, of a user with nothing enrolled.
    Unenrolled,
    /// It passed: Authsignal said that this attempt is settled already.
    Settled,
    /// It passed with a proof.
    Verified,
    /// It passed in an outage, without a decision.
    Admitted,
    /// It passed in an outage, with the application's own proof.
    Fallback,
    /// It passed without having been asked about: step-up is off for it.
    Skipped,
    /// It passed before it was decided, on a route that is only observed.
    Observed,
    /// The user was asked for a proof.
    Challenged,
    /// The request waits until somebody has looked at it.
    UnderReview,
    /// The request was refused.
    Refused,
    /// Way back: the user proved it.
    Proved,
    /// Way back: the user left the challenge, which still waits.
    Left,
    /// Way back: the challenge is over, without a proof.
    Failed,
    /// Way back: it got no further.
    TurnedBack,
}

impl Outcome {
    /// A short name, for logs and as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unenrolled => "unenrolled",
            Self::Settled => "settled",
            Self::Verified => "verified",
            Self::Admitted => "admitted",
            Self::Fallback => "fallback",
            Self::Skipped => "skipped",
            Self::Observed => "observed",
            Self::Challenged => "challenged",
            Self::UnderReview => "under_review",
            Self::Refused => "refused",
            Self::Proved => "proved",
            Self::Left => "left",
            Self::Failed => "failed",
            Self::TurnedBack => "turned_back",
        }
    }

    /// Whether the request went on to its handler.
    #[must_use]
    pub fn is_pass(self) -> bool {
        match self {
            Self::Allowed | Self::Unenrolled | Self::Settled | Self::Verified | Self::Admitted | Self::Fallback => true,
            Self::Skipped | Self::Observed => true,
            Self::Challenged
            | Self::UnderReview
            | Self::Refused
            | Self::Proved
            | Self::Left
            | Self::Failed
            | Self::TurnedBack => false,
        }
    }

    /// What the log says of it.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Skipped => "request passed without having been asked about, as its route says",
            Self::Observed => "request observed",
            Self::Challenged => "request challenged",
            Self::UnderReview => "request waits for a review",
            Self::Refused => "request refused",
            Self::Proved | Self::Left | Self::Failed => "back from a challenge",
            Self::TurnedBack => "way back refused",
            _ => "request passed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
