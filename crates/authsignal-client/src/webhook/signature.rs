//! The signature header: what it says, and whether it is right.
//!
//! `t=SECONDS,v2=SIGNATURE[,v2=SIGNATURE]`, where a signature is HMAC-SHA256 under the API secret key over the seconds, a
//! dot and the body, in the standard alphabet of base 64 without padding (every SDK's webhook source; node
//! `src/webhook.ts`).
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::secret::keyed;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-signature-v2";

/// What a signature header says, of which nothing is proved yet.
#[derive(Debug)]
pub(super) struct Signature<'a> {
    seconds: i64,
    /// Each `v2`, one for every API secret key that is active.
    tags: Vec<&'a str>,
}

impl<'a> Signature<'a> {
    /// Reads a header; `None` for one that has no time, or no signature that we know.
    ///
    /// Items are split at their first `=` and not trimmed, and those with another name are ignored, as the SDKs do it.
    /// They differ on a time that is no number, and on two of them: neither is taken here.
    pub(super) fn parse(header: &'a str) -> Option<Self> {
        let (mut seconds, mut tags) = (None, Vec::new());
        for item in header.split(',') {
            match item.split_once('=') {
                Some(("t", _)) if seconds.is_some() => return None,
                Some(("t", text)) => seconds = Some(text.parse().ok()?),
                Some(("v2", tag)) => tags.push(tag),
                _ => {}
            }
        }
        Some(Self { seconds: seconds?, tags }).filter(|signature| !signature.tags.is_empty())
    }

    /// Whether it was made no longer than `past` before `now` and no further than `future` after it, in Unix seconds;
    /// without a bound any time will do.
    pub(super) fn is_timely(&self, now: i64, past: Option<Duration>, future: Option<Duration>) -> bool {
        let bound = if self.seconds <= now { past } else { future };
        bound.is_none_or(|bound| Duration::from_secs(now.abs_diff(self.seconds)) <= bound)
    }

    /// Whether the holder of `secret` made it, and for this very body.
    pub(super) fn matches(&self, secret: &str, body: &[u8]) -> bool {
        let mac = mac(secret, self.seconds, body);
        self.tags.iter().any(|tag| {
            // What is compared is bytes, in constant time, so only the one way of writing them is taken: no padding, no
            // stray bits in the last character.
            STANDARD_NO_PAD.decode(tag).is_ok_and(|tag| mac.clone().verify_slice(&tag).is_ok())
        })
    }
}

/// The value of [`SIGNATURE_HEADER`] with which Authsignal sends `payload` at `seconds` after the Unix
/// epoch: one signature for each of `secrets`, the API secret keys of the tenant that are active.
///
/// For everybody who tests a receiver of webhooks, whatever it is written with. [`Webhook::sign`](super::Webhook::sign) does
/// the same with its own secret and clock.
///
/// # Examples
///
/// ```
/// use authsignal_client::webhook;
///
/// let header = webhook::sign(["new-secret", "old-secret"], 1_768_471_200, b"{}");
/// assert!(header.starts_with("t=1768471200,v2="));
/// assert_eq!(header.matches("v2=").count(), 2);
/// ```
#[must_use]
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a str>, seconds: i64, payload: &[u8]) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        let tag = mac(secret, seconds, payload).finalize().into_bytes();
        header.push_str(",v2=");
        header.push_str(&STANDARD_NO_PAD.encode(tag));
    }
    header
}

/// The time goes in as it was understood, not as it was written (`t=007` signs as `7.`).
fn mac(secret: &str, seconds: i64, body: &[u8]) -> Hmac<Sha256> {
    keyed(secret).chain_update(seconds.to_string()).chain_update(b".").chain_update(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_sdks_read_them() {
        let table = [
            ("one signature", "t=1,v2=a", Some((1, vec!["a"]))),
            ("two signatures", "t=1,v2=a,v2=b", Some((1, vec!["a", "b"]))),
            ("any order", "v2=a,t=1", Some((1, vec!["a"]))),
            ("others are ignored", "v1=x,t=1,v3=y,v2=a,z,=,", Some((1, vec!["a"]))),
            ("split at the first sign", "t=1,v2=a=b=", Some((1, vec!["a=b="]))),
            ("an empty signature is one", "t=1,v2=", Some((1, vec![""]))),
            ("leading zeros", "t=007,v2=a", Some((7, vec!["a"]))),
            ("before the epoch", "t=-7,v2=a", Some((-7, vec!["a"]))),
            ("the last second", "t=9223372036854775807,v2=a", Some((i64::MAX, vec!["a"]))),
            ("past the last second", "t=9223372036854775808,v2=a", None),
            ("not trimmed", "t=1, v2=a", None),
            ("a blank in the time", "t= 1,v2=a", None),
            ("no number", "t=now,v2=a", None),
            ("half a number", "t=1.5,v2=a", None),
            ("no time", "v2=a", None),
            ("an empty time", "t=,v2=a", None),
            ("two times", "t=1,t=2,v2=a", None),
            ("twice the same time", "t=1,t=1,v2=a", None),
            ("no signature", "t=1", None),
            ("another version only", "t=1,v1=a", None),
            ("another case", "T=1,V2=a", None),
            ("the SDKs' bad header", "123", None),
            ("empty", "", None),
        ];
        for (name, header, want) in table {
            let read = Signature::parse(header).map(|signature| (signature.seconds, signature.tags));
            assert_eq!(read, want, "{name}");
        }
    }

    /// T100: at its edges, to the second, both ways.
    #[test]
    fn t100_times_hold_at_their_edges() {
        let (five, half) = (Some(Duration::from_secs(300)), Some(Duration::from_millis(500)));
        let table = [
            ("now", 1000, five, five, true),
            ("old enough to be refused", 699, five, five, false),
            ("at the edge", 700, five, five, true),
            ("old, with no bound", i64::MIN, None, five, true),
            ("as far ahead as may be", 1300, five, five, true),
            ("further ahead", 1301, five, five, false),
            ("ahead, with no bound", i64::MAX, five, None, true),
            ("less than a second is no second", 999, half, None, false),
            ("less than a second ahead", 1001, None, half, false),
            ("the first second of all", i64::MIN, five, five, false),
            ("the last second of all", i64::MAX, five, five, false),
        ];
        for (name, seconds, past, future, want) in table {
            let signature = Signature { seconds, tags: Vec::new() };
            assert_eq!(signature.is_timely(1000, past, future), want, "{name}");
        }
    }
}
