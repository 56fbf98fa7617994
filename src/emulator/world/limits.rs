//! How often one may have a message sent, and guess (docs, FAQ: the numbers of this service).
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use crate::client::VerificationMethod;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::emulator) enum Deed {
    /// A message sent.
    Send,
    /// A wrong code given.
    Guess,
}

/// How many within how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    most: usize,
    within: Duration,
}

/// E-mails 12 in 10 minutes, text messages 6, guesses 10 in 5 minutes. WhatsApp as text messages is an assumption.
fn limit(deed: Deed, method: &VerificationMethod) -> Limit {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    match (deed, method) {
        (Deed::Guess, _) => Limit { most: 10, within: minutes(5) },
        (Deed::Send, VerificationMethod::Sms | VerificationMethod::Whatsapp) => Limit { most: 6, within: minutes(10) },
        (Deed::Send, _) => Limit { most: 12, within: minutes(10) },
    }
}

/// When who did what.
#[derive(Debug, Clone, Default)]
pub(in crate::emulator) struct Limits(BTreeMap<(Deed, String, String), VecDeque<SystemTime>>);

impl Limits {
    /// How long `who` has to wait until the next one; `None` if it may be now.
    pub(in crate::emulator) fn wait(
        &self,
        deed: Deed,
        method: &VerificationMethod,
        who: &str,
        now: SystemTime,
    ) -> Option<Duration> {
        let limit = limit(deed, method);
        let done = self.0.get(&key(deed, method, who))?;
        let recent: Vec<_> = done.iter().filter(|at| age(**at, now) < limit.within).collect();
        let first = recent.len().checked_sub(limit.most)?;
        Some(limit.within.saturating_sub(age(*recent[first], now)))
    }

    /// Counts one.
    pub(in crate::emulator) fn count(&mut self, deed: Deed, method: &VerificationMethod, who: &str, now: SystemTime) {
        let limit = limit(deed, method);
        let done = self.0.entry(key(deed, method, who)).or_default();
        done.retain(|at| age(*at, now) < limit.within);
        done.push_back(now);
    }

    pub(in crate::emulator) fn clear(&mut self) {
        self.0.clear();
    }
}

fn key(deed: Deed, method: &VerificationMethod, who: &str) -> (Deed, String, String) {
    (deed, method.as_str().to_owned(), who.to_owned())
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
        for (deed, method, most, seconds) in [
            (Deed::Send, VerificationMethod::EmailOtp, 12, 600),
            (Deed::Send, VerificationMethod::EmailMagicLink, 12, 600),
            (Deed::Send, VerificationMethod::Sms, 6, 600),
            (Deed::Send, VerificationMethod::Whatsapp, 6, 600),
            (Deed::Guess, VerificationMethod::EmailOtp, 10, 300),
            (Deed::Guess, VerificationMethod::AuthenticatorApp, 10, 300),
        ] {
            let mut limits = Limits::default();
            let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            for done in 0..most {
                assert_eq!(limits.wait(deed, &method, "ada", at(done)), None, "{deed:?} {method}, {done} done");
                limits.count(deed, &method, "ada", at(done));
            }
            let left = Duration::from_secs(seconds - most);
            assert_eq!(limits.wait(deed, &method, "ada", at(most)), Some(left), "{deed:?} {method}");
            assert_eq!(limits.wait(deed, &method, "eve", at(most)), None, "each has their own");
            assert_eq!(limits.wait(deed, &VerificationMethod::Push, "ada", at(most)), None, "and each method");
            assert_eq!(limits.wait(deed, &method, "ada", at(seconds)), None, "the first is forgotten then");
        }
    }
}
