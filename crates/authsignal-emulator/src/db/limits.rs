//! How often one may have a message sent, and guess.
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use authsignal_client::VerificationMethod;

use crate::tenant::limits::Limits;

/// How many wrong codes of one challenge are taken where there are no other limits.
pub(crate) const MAX_GUESSES: u32 = 10;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// A message sent.
    Send,
    /// A wrong code given.
    Guess,
}

/// When who did what, against how often they may.
#[derive(Debug, Clone)]
pub(crate) struct RateLimiter {
    settings: Limits,
    done: BTreeMap<(Counted, String, String), VecDeque<SystemTime>>,
}

impl RateLimiter {
    pub(crate) fn new(settings: Limits) -> Self {
        Self { settings, done: BTreeMap::new() }
    }

    /// How many within how long; no number is no limit.
    fn limit(&self, act: Counted, method: &VerificationMethod) -> (Option<u32>, Duration) {
        match act {
            Counted::Send => (self.settings.sending(method), self.settings.send_window),
            Counted::Guess => (self.settings.verifying(), self.settings.verify_window),
        }
    }

    /// Whether no more wrong codes of one challenge are taken, of which there were so many. With limits, those of its user
    /// are counted instead.
    pub(crate) fn is_guessed_out(&self, guesses: u32) -> bool {
        !self.settings.enabled && guesses >= MAX_GUESSES
    }

    /// How long `who` has to wait until the next one; `None` if it may be now.
    pub(crate) fn wait(
        &self,
        act: Counted,
        method: &VerificationMethod,
        who: &str,
        now: SystemTime,
    ) -> Option<Duration> {
        let (most, within) = self.limit(act, method);
        let most = usize::try_from(most?).unwrap_or(usize::MAX);
        let done = self.done.get(&key(act, method, who)).into_iter().flatten();
        let recent: Vec<_> = done.filter(|at| age(**at, now) < within).collect();
        match recent.len().checked_sub(most) {
            None => None,
            // None at all are allowed.
            Some(first) if first == recent.len() => Some(within),
            Some(first) => Some(within.saturating_sub(age(*recent[first], now))),
        }
    }

    /// Counts one.
    pub(crate) fn count(&mut self, act: Counted, method: &VerificationMethod, who: &str, now: SystemTime) {
        let (most, within) = self.limit(act, method);
        if most.is_none() {
            return;
        }
        let done = self.done.entry(key(act, method, who)).or_default();
        done.retain(|at| age(*at, now) < within);
        done.push_back(now);
    }
}

fn key(act: Counted, method: &VerificationMethod, who: &str) -> (Counted, String, String) {
    (act, method.as_str().to_owned(), who.to_owned())
}

fn age(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn each_deed_has_its_number_and_its_time() {
        for (act, method, most, seconds) in [
            (Counted::Send, VerificationMethod::EmailOtp, 12, 600),
            (Counted::Send, VerificationMethod::Sms, 6, 600),
            (Counted::Guess, VerificationMethod::EmailOtp, 10, 300),
            (Counted::Guess, VerificationMethod::AuthenticatorApp, 10, 300),
        ] {
            let mut limits = RateLimiter::new(Limits::new());
            let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            for done in 0..most {
                assert_eq!(limits.wait(act, &method, "ada", at(done)), None, "{act:?} {method}, {done} done");
                limits.count(act, &method, "ada", at(done));
            }
            let left = Duration::from_secs(seconds - most);
            assert_eq!(limits.wait(act, &method, "ada", at(most)), Some(left), "{act:?} {method}");
            assert_eq!(limits.wait(act, &method, "eve", at(most)), None, "each has their own");
            assert_eq!(limits.wait(act, &VerificationMethod::Push, "ada", at(most)), None, "and each method");
            assert_eq!(limits.wait(act, &method, "ada", at(seconds)), None, "the first is forgotten then");
        }
    }

    #[test]
    fn nothing_at_all_and_no_limit() {
        let wait = |settings| {
            let mut limits = RateLimiter::new(settings);
            for _ in 0..100 {
                limits.count(Counted::Send, &VerificationMethod::Sms, "ada", UNIX_EPOCH);
            }
            limits.wait(Counted::Send, &VerificationMethod::Sms, "ada", UNIX_EPOCH)
        };
        let minute = Duration::from_secs(60);
        assert_eq!(wait(Limits::off()), None);
        assert_eq!(wait(Limits::new().sms(101)), None);
        assert_eq!(wait(Limits::new().sms(0).send_window(minute)), Some(minute));
        let limits = RateLimiter::new(Limits::new().sms(0).send_window(minute));
        assert_eq!(limits.wait(Counted::Send, &VerificationMethod::Sms, "ada", UNIX_EPOCH), Some(minute));
    }
}
