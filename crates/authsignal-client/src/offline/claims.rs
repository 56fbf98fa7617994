//! What an access token has to say, once its signature is good: values in, values out.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::fault::SessionFault;

/// What is asked of every token.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) client_ids: Vec<String>,
    pub(super) leeway: Duration,
}

/// A session whose access token is good, as far as can be seen without asking the service: see
/// [what it cannot see](super::SessionVerifier#what-it-cannot-see).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VerifiedSession {
    /// The user's id: `sub` (an assumption, after the tokens of challenges; the docs do not say).
    pub user_id: String,
    /// When the access token expires: `exp`. With leeway it may be a little past.
    pub expires_at: SystemTime,
    /// The app client that it is for, one of those that were named: `aud` (docs, session management).
    pub audience: String,
    /// All that the token says, the custom claims of the app client among it.
    pub claims: Map<String, Value>,
}

impl Rules {
    pub(super) fn judge(&self, claims: Map<String, Value>, now: SystemTime) -> Result<VerifiedSession, SessionFault> {
        let audience = self.audience(claims.get("aud").ok_or(SessionFault::Malformed)?)?;
        let expires_at = time(claims.get("exp")).ok_or(SessionFault::Malformed)?;
        if expires_at.checked_add(self.leeway).is_some_and(|end| end <= now) {
            return Err(SessionFault::Expired);
        }
        if let Some(claim) = claims.get("nbf") {
            let begin = time(Some(claim)).ok_or(SessionFault::Malformed)?;
            if now.checked_add(self.leeway).is_some_and(|now| now < begin) {
                return Err(SessionFault::NotYetValid);
            }
        }
        match claims.get("sub").and_then(Value::as_str) {
            Some(user_id) if !user_id.is_empty() => {
                Ok(VerifiedSession { user_id: user_id.to_owned(), expires_at, audience, claims })
            }
            _ => Err(SessionFault::Malformed),
        }
    }

    /// The client that a token is for: a text, or a list of them (RFC 7519, section 4.1.3).
    fn audience(&self, claim: &Value) -> Result<String, SessionFault> {
        let meant = |id: &&String| match claim {
            Value::String(audience) => audience == *id,
            Value::Array(audiences) => audiences.iter().any(|audience| audience == *id),
            _ => false,
        };
        self.client_ids.iter().find(meant).cloned().ok_or(SessionFault::Audience)
    }
}

/// Seconds since the Unix epoch, fractions left out (RFC 7519, section 2, NumericDate).
fn time(claim: Option<&Value>) -> Option<SystemTime> {
    let claim = claim?;
    // What is out of range becomes the nearest that is not.
    let seconds = claim.as_u64().or_else(|| claim.as_f64().map(|seconds| seconds as u64))?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    fn judge(claims: &Value) -> Result<VerifiedSession, SessionFault> {
        let rules = Rules { client_ids: vec!["app".into(), "web".into()], leeway: Duration::from_secs(30) };
        rules.judge(claims.as_object().unwrap().clone(), UNIX_EPOCH + Duration::from_secs(NOW))
    }

    #[test]
    fn the_rules_one_by_one() {
        let good = json!({ "aud": "app", "exp": NOW + 900, "sub": "ada", "tier": "gold" });
        let session = judge(&good).unwrap();
        assert_eq!((session.user_id.as_str(), session.audience.as_str()), ("ada", "app"));
        assert_eq!(session.expires_at, UNIX_EPOCH + Duration::from_secs(NOW + 900));
        assert_eq!(session.claims["tier"], "gold");

        let table = [
            ("another client", "aud", json!("other"), "Audience"),
            ("a client in another case", "aud", json!("App"), "Audience"),
            ("no client", "aud", json!(""), "Audience"),
            ("one of several", "aud", json!(["other", "web"]), "good"),
            ("none of several", "aud", json!(["other", ["web"], 1]), "Audience"),
            ("a list of none", "aud", json!([]), "Audience"),
            ("a number", "aud", json!(1), "Audience"),
            ("no audience", "aud", Value::Null, "Malformed"),
            ("its last second", "exp", json!(NOW - 29), "good"),
            ("over", "exp", json!(NOW - 30), "Expired"),
            ("with a fraction", "exp", json!(NOW as f64 - 29.5), "Expired"),
            ("long over", "exp", json!(-5), "Expired"),
            ("never over", "exp", json!(u64::MAX), "Malformed"),
            ("never over, in large", "exp", json!(1e300), "Malformed"),
            ("a text", "exp", json!("2000000"), "Malformed"),
            ("no end", "exp", Value::Null, "Malformed"),
            ("from now", "nbf", json!(NOW), "good"),
            ("about now", "nbf", json!(NOW + 30), "good"),
            ("later", "nbf", json!(NOW + 31), "NotYetValid"),
            ("a text", "nbf", json!("now"), "Malformed"),
            ("no user", "sub", Value::Null, "Malformed"),
            ("an empty user", "sub", json!(""), "Malformed"),
            ("a number for a user", "sub", json!(7), "Malformed"),
        ];
        for (name, claim, value, expected) in table {
            let mut claims = good.clone();
            let missing = value.is_null();
            claims[claim] = value;
            if missing {
                claims.as_object_mut().unwrap().remove(claim);
            }
            let verdict = judge(&claims).map_or_else(|fault| format!("{fault:?}"), |_| "good".to_owned());
            assert_eq!(verdict, expected, "{claim}: {name}");
        }
    }
}
