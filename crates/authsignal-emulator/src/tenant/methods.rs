//! The methods that the emulator has.
use authsignal_client::VerificationMethod;

/// All that the emulator can let users prove themselves by, recovery codes aside.
pub(crate) const METHODS: [VerificationMethod; 9] = [
    VerificationMethod::EmailOtp,
    VerificationMethod::EmailMagicLink,
    VerificationMethod::Sms,
    VerificationMethod::Whatsapp,
    VerificationMethod::AuthenticatorApp,
    VerificationMethod::Passkey,
    VerificationMethod::SecurityKey,
    VerificationMethod::Push,
    VerificationMethod::QrCode,
];
