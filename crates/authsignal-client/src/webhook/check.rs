//! Checks what comes from Authsignal, and reads it once it is known to be theirs.
use std::fmt;
use std::time::Duration;

use crate::client::Client;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::secret::{SecretKey, secret_from_vars};

use super::error::{Error, ErrorKind};
use super::event::{Delivery, EventData, UnknownEvent};
use super::signature::{Signature, sign};

/// Five minutes, as in every SDK (node `src/webhook.ts`, `DEFAULT_TOLERANCE`).
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// What axum itself takes of a body by default, and 4 KiB for each record of a full batch.
pub(super) const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Checks and reads the webhooks of one tenant; see the [module](super).
///
/// `Debug` never shows the secret.
#[derive(Clone)]
#[must_use]
pub struct Webhook {
    secret: SecretKey,
    tolerance: Duration,
    future_tolerance: Option<Duration>,
    clock: Clock,
    pub(super) body_limit: usize,
}

impl Webhook {
    /// Takes what is signed with `secret`, the Server API secret key of the tenant.
    ///
    /// One is enough while keys are changed: Authsignal signs with every key that is active (node
    /// `test/webhook.test.ts`). Make the second key, give it to the application, and only then remove the first.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingSecret`] when it is empty, since everybody can sign with that;
    /// [`ConfigError::InvalidSecret`] when it cannot be a secret key.
    pub fn new(secret: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self::with(SecretKey::new(secret)?))
    }

    /// Takes the secret from `AUTHSIGNAL_API_SECRET_KEY` or else `AUTHSIGNAL_SECRET_KEY`, as
    /// [`Client::from_env`](crate::Client::from_env) does.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`ConfigError::MissingSecret`] when neither variable is set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::new(secret_from_vars(|name| std::env::var_os(name))?)
    }

    fn with(secret: SecretKey) -> Self {
        Self {
            secret,
            tolerance: DEFAULT_TOLERANCE,
            future_tolerance: None,
            clock: Clock::system(),
            body_limit: DEFAULT_BODY_LIMIT,
        }
    }

    /// How long ago a webhook may have been signed. Default: 5 minutes, as in the SDKs; zero takes them of any age, and so
    /// one that somebody wrote down years ago.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How far in the future a webhook may have been signed, by this machine's clock. Default: as far as it likes, as in
    /// the SDKs. Only the holder of the secret can sign ahead, so this is about clocks that are wrong.
    pub fn future_tolerance(mut self, tolerance: Duration) -> Self {
        self.future_tolerance = Some(tolerance);
        self
    }

    /// By which the age of a webhook is told. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The most bytes of a body that the extractor reads. Default: 2 MiB, which leaves a full batch of 500 records 4 KiB
    /// for each; a batch that is refused is sent again until it is taken.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Checks the signature of `payload` and reads it. The name is the SDKs'.
    ///
    /// `payload` is the body exactly as it came: one that was parsed and written again has another signature. `signature`
    /// is the value of [`SIGNATURE_HEADER`](super::SIGNATURE_HEADER), which is there once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`] says what is looked at, in this order.
    ///
    /// # Examples
    ///
    /// ```
    /// use authsignal_client::webhook::{ErrorKind, EventData, Webhook};
    ///
    /// let webhook = Webhook::new("the-api-secret-key")?;
    /// # let body = br#"{"version":1,"type":"sms.created","id":"1","source":"https://authsignal.com","tenantId":"t",
    /// #   "time":"2026-01-15T10:00:00.000Z","data":{"to":"+64270000000","code":"123456","userId":"ada",
    /// #   "actionCode":"signIn","idempotencyKey":"k"}}"#;
    /// # let header = webhook.sign(body);
    /// let delivery = webhook.construct_event(body, &header)?;
    /// for event in delivery {
    ///     if let EventData::SmsCreated(sms) = event.data {
    ///         println!("{}: your code is {}", sms.to, sms.code.secret());
    ///     }
    /// }
    ///
    /// let forged = webhook.construct_event(b"{}", &header).unwrap_err();
    /// assert_eq!(forged.kind(), ErrorKind::Mismatch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn construct_event(&self, payload: &[u8], signature: &str) -> Result<Delivery, Error> {
        self.read_header(signature)?.open(payload)
    }

    /// What can be told before the body is here.
    pub(super) fn read_header<'a>(&'a self, header: &'a str) -> Result<Sealed<'a>, Error> {
        let signature = Signature::parse(header).ok_or(Error::new(ErrorKind::Format))?;
        let past = Some(self.tolerance).filter(|tolerance| !tolerance.is_zero());
        if !signature.is_timely(self.now(), past, self.future_tolerance) {
            return Err(Error::new(ErrorKind::Tolerance));
        }
        Ok(Sealed { signature, webhook: self })
    }

    /// The header with which Authsignal would send `payload` now: for tests of your own handlers.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> String {
        sign([self.secret.expose()], self.now(), payload)
    }

    fn now(&self) -> i64 {
        self.clock.unix_seconds().try_into().unwrap_or(i64::MAX)
    }
}

/// A payload that is still on its way, with a signature that is not yet proved.
pub(super) struct Sealed<'a> {
    signature: Signature<'a>,
    webhook: &'a Webhook,
}

impl Sealed<'_> {
    pub(super) fn open(&self, payload: &[u8]) -> Result<Delivery, Error> {
        if !self.signature.matches(self.webhook.secret.expose(), payload) {
            return Err(Error::new(ErrorKind::Mismatch));
        }
        let delivery = Delivery::parse(payload)?;
        for event in delivery.events() {
            if let EventData::Unknown(UnknownEvent { kind, fault: Some(fault), .. }) = &event.data {
                tracing::warn!(kind, "webhook kept as unknown: {fault}");
            }
        }
        Ok(delivery)
    }
}

impl From<&Client> for Webhook {
    /// The webhooks of the tenant whose API `client` calls.
    fn from(client: &Client) -> Self {
        Self::with(client.secret.clone())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secret", &self.secret)
            .field("tolerance", &self.tolerance)
            .field("future_tolerance", &self.future_tolerance)
            .field("clock", &self.clock)
            .field("body_limit", &self.body_limit)
            .finish()
    }
}

#[cfg(test)]
mod tests;
