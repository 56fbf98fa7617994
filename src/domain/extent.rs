//! PURE: which requests of a route are asked about, and whether they wait for the answer.
use std::fmt;
use std::sync::Arc;

/// Why a request passed without having been asked about: step-up is switched off for it, and its user is who they were said
/// to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Step-up is switched off on the route ([`AuthsignalLayer::off`](crate::AuthsignalLayer::off)), for this reason.
    Off(Arc<str>),
    /// The route's condition ([`AuthsignalLayer::when`](crate::AuthsignalLayer::when)) said no, for this reason.
    When(&'static str),
    /// The user is not among those who are asked ([`AuthsignalLayer::share`](crate::AuthsignalLayer::share)).
    Share,
    /// A browser asked ahead of its user on a route that is only [observed](crate::AuthsignalLayer::observe): nothing was
    /// tried that could be recorded.
    Prefetch,
}

impl SkipReason {
    /// A short name, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Off(_) => "off",
            Self::When(_) => "when",
            Self::Share => "share",
            Self::Prefetch => "prefetch",
        }
    }

    /// The reason as the application gave it, where it gives one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Off(text) => Some(text),
            Self::When(text) => Some(text),
            Self::Share | Self::Prefetch => None,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{}: {text}", self.as_str()),
            None => f.write_str(self.as_str()),
        }
    }
}

/// Which requests of a route are asked about. All of them, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Why none is.
    pub(crate) off: Option<Arc<str>>,
    /// Of how many users in a hundred.
    pub(crate) share: Option<u8>,
    /// Whether a closure of the application's is asked first.
    pub(crate) has_condition: bool,
    /// Whether they go on at once, whatever the answer will be.
    pub(crate) is_observed: bool,
}

impl Extent {
    /// What cannot be meant.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.off.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err("`off` needs a reason that those who read it later understand");
        }
        match self.share {
            Some(0) => Err("`share(0)` asks nobody: say `off`, with a reason"),
            Some(101..) => Err("`share` is given in percent: 1 to 100"),
            _ => Ok(()),
        }
    }

    /// Whether a request can be stopped at all, by whatever the layer finds apart from who asks.
    pub(crate) fn can_stop(&self) -> bool {
        self.off.is_none() && !self.is_observed
    }

    /// Whether a user is among those who are asked, by a number that is theirs, evenly drawn from all. Whoever is among ten in
    /// a hundred is among twenty.
    pub(crate) fn includes(&self, number: u64) -> bool {
        self.share.is_none_or(|percent| (u128::from(number) * 100) >> 64 < u128::from(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: u8) -> Extent {
        Extent { share: Some(percent), ..Extent::default() }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let off = |reason: &str| Extent { off: Some(reason.into()), ..Extent::default() };
        for (extent, is_meant) in [
            (Extent::default(), true),
            (off("until the tenant is set up"), true),
            (off(""), false),
            (off(" \n"), false),
            (share(0), false),
            (share(1), true),
            (share(100), true),
            (share(101), false),
            (share(255), false),
        ] {
            assert_eq!(extent.check().is_ok(), is_meant, "{extent:?}");
        }
    }

    /// A raise keeps everybody in, and the ends are nobody left out and one in a hundred.
    #[test]
    fn a_raised_share_keeps_everybody_in() {
        let step = u64::MAX / 10_007;
        let mut counted = [0_u32; 101];
        for number in (0..10_007).map(|at| at * step) {
            let mut was_in = false;
            for percent in 1..=100 {
                let is_in = share(percent).includes(number);
                assert!(is_in || !was_in, "{number} fell out at {percent}");
                was_in = is_in;
                counted[usize::from(percent)] += u32::from(is_in);
            }
            assert!(was_in && Extent::default().includes(number));
        }
        for percent in [1_u32, 10, 50, 99] {
            assert!(
                counted[percent as usize].abs_diff(percent * 10_007 / 100) <= 1,
                "{percent}: {}",
                counted[percent as usize]
            );
        }
        assert!(share(1).includes(0) && !share(99).includes(u64::MAX));
    }
}
