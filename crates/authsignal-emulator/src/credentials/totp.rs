//! Authenticator apps (RFC 6238): SHA-1, six digits, 30 seconds, one step of tolerance to each side.
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};

const ISSUER: &str = "Authsignal emulator";

/// The secret that an authenticator app and the emulator share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct App(Totp);

impl TryFrom<String> for App {
    type Error = &'static str;

    fn try_from(uri: String) -> Result<Self, Self::Error> {
        Self::from_uri(&uri).ok_or("invalid otpauth://totp URI")
    }
}

impl From<App> for String {
    fn from(app: App) -> Self {
        app.uri()
    }
}

impl App {
    /// A new secret for the account that the app will show.
    pub(crate) fn generate(account: &str) -> Self {
        let account = account.replace(':', " ");
        let account = if account.trim().is_empty() { "user".to_owned() } else { account };
        // The names have no colon, and everything else is the builder's own default: there is nothing left to refuse.
        Self(Builder::new().with_account_name(account).with_issuer(Some(ISSUER)).build_noncompliant())
    }

    /// Reads an `otpauth://totp/…` URI, if it is one that can be worked with.
    ///
    /// Secrets under the 128 bits of RFC 4226 are taken, since most apps in the field have 80. Digits and period are
    /// held to what cannot make the library overflow or divide by zero.
    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        let totp = Totp::from_url_unchecked(uri).ok()?;
        let usable = (6..=8).contains(&totp.digits()) && (1..=3600).contains(&totp.step());
        (usable && !totp.secret().as_bytes().is_empty()).then_some(Self(totp))
    }

    /// The code that the app shows at `now`.
    pub(crate) fn code(&self, now: SystemTime) -> String {
        self.0.generate(seconds(now)).to_string()
    }

    /// For how many more seconds the app shows it.
    pub(crate) fn seconds_left(&self, now: SystemTime) -> u64 {
        self.0.next_step(seconds(now)).saturating_sub(seconds(now))
    }

    /// The step that `code` belongs to, if that step is at most one away from `now`.
    pub(crate) fn step(&self, code: &str, now: SystemTime) -> Option<u64> {
        self.0.check(code, seconds(now))
    }

    /// The secret in base 32, as users type it into their app.
    pub(crate) fn secret(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The URI that goes into the QR code.
    pub(crate) fn uri(&self) -> String {
        self.0.to_url().unwrap_or_default()
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn codes_of_the_rfc() {
        // RFC 6238, appendix B, the SHA-1 rows; the secret is the ASCII text 12345678901234567890.
        let uri = "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
        let app = App::from_uri(uri).unwrap();
        for (time, code) in [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")] {
            assert_eq!(app.code(at(time)), code);
        }
    }

    #[test]
    fn one_step_to_each_side() {
        let app = App::generate("ada");
        let code = app.code(at(3000));
        for (time, found) in [(2969, false), (2970, true), (3000, true), (3029, true), (3059, true), (3060, false)] {
            assert_eq!(app.step(&code, at(time)).is_some(), found, "at {time}");
        }
        assert_eq!(app.step(&code, at(3059)), Some(100), "the step is that of the code, not of the clock");
        assert_eq!(app.seconds_left(at(3029)), 1);
    }

    #[test]
    fn hostile_uris_and_codes() {
        let secret = "JBSWY3DPEHPK3PXP";
        for uri in [
            String::new(),
            "https://example.com".to_owned(),
            "otpauth://totp/a".to_owned(),
            "otpauth://totp/a?secret=".to_owned(),
            "otpauth://totp/a?secret=not base 32!".to_owned(),
            format!("otpauth://hotp/a?secret={secret}"),
            format!("otpauth://totp/a?secret={secret}&digits=12"),
            format!("otpauth://totp/a?secret={secret}&period=0"),
            format!("otpauth://totp/a?secret={secret}&period=18446744073709551615"),
        ] {
            assert!(App::from_uri(&uri).is_none(), "{uri}");
        }
        let app = App::from_uri(&format!("otpauth://totp/a?secret={secret}")).unwrap();
        for code in ["", "1", "１２３４５６", "-12345", "99999999999999999999", "12345\0"] {
            assert_eq!(app.step(code, at(0)), None, "{code:?}");
        }
    }

    #[test]
    fn a_generated_secret_survives_its_uri() {
        for account in ["ada@example.com", "a:b", "", "ä / ? #"] {
            let app = App::generate(account);
            let read = App::from_uri(&app.uri()).unwrap();
            assert_eq!(read.secret(), app.secret(), "{account:?}");
        }
    }
}
