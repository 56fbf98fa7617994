//! English.
use std::borrow::Cow;

use authsignal_client::VerificationMethod;

use super::text::Text;
use crate::domain::form::UnkeptReason;
use crate::domain::saved_request::NotKept;

pub(super) fn say(text: Text<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match text {
        Text::Continue => "Continue",
        Text::ContinueInNewWindow => "Continue in a new window",
        Text::TryAgain => "Try again",
        Text::LookAgain => "Look again",
        Text::Reviewed => {
            "Somebody has looked at this, and it may go on. Nothing was done yet: continue with what you sent."
        }
        Text::Cancel => "Cancel",
        Text::OneLastStep => "One last step",
        Text::Resume => "It is confirmed that it is you. Nothing was done yet: continue with what you sent.",
        Text::ContinueWithin(0) => "This is good for less than a minute.",
        Text::ContinueWithin(1) => "This is good for one minute.",
        Text::ContinueWithin(minutes) => return format!("This is good for {minutes} minutes.").into(),
        Text::Action => "Action",
        Text::Yes => "Yes",
        Text::No => "No",
        Text::SentTo => "Sent to",
        Text::TypeAgain => "For your safety this was not kept. Please type it again:",
        Text::NotKeptFields(list) => return format!("These could not be kept: {list}.").into(),
        Text::Unkept(name, why) => {
            let why = match why {
                UnkeptReason::File => "file",
                UnkeptReason::TooLong => "too long",
                UnkeptReason::Encoding => "line breaks or special characters",
            };
            return format!("{name} ({why})").into();
        }
        Text::ChooseAgain => "Choose the same again here, or go back to the form and send it once more as it was.",
        Text::BackToForm => "Back to the form",
        Text::OneMoment => "One moment",
        Text::BeingTakenBack => "You are being taken back.",
        Text::NotConfirmedYet => "Not confirmed yet",
        Text::Left => "You left before it was confirmed that it is you. Nothing was done.",
        Text::AlreadyPassedOn => "Already passed on",
        Text::PassedOnBefore => "This was confirmed and passed on before. It was not passed on a second time.",
        Text::LookWhetherDone => "Look whether it was done before you send it again.",
        Text::Confirmed => "Confirmed",
        Text::Approved => "Go back to where you were: it can go on now. You may close this page.",
        Text::NotKept(NotKept::Body) => "What you sent is of a kind that is not kept, such as a file.",
        Text::NotKept(NotKept::Script) => "The page that you were on asked for this, and could not keep it.",
        Text::NotKept(NotKept::Target) => "The address that you used can’t be opened again from here.",
        Text::SendAgainWithin(0) => "Send the same once more now, and it goes through.",
        Text::SendAgainWithin(1) => "Send the same once more within a minute, and it goes through.",
        Text::SendAgainWithin(minutes @ 2..60) => {
            return format!("Send the same once more within {minutes} minutes, and it goes through.").into();
        }
        Text::SendAgainWithin(_) => "Send the same once more within an hour, and it goes through.",
        Text::ConfirmItsYou => "Please confirm it’s you",
        Text::NotInsideThisPage => "This needs one more proof, which can’t be given inside this page.",
        Text::BackToApp => "Go back to the app",
        Text::CloseThisPage => "You can close this page and go on where you were.",
        Text::SendOnceMore => "Go back and send it once more.",
        Text::MethodsNeeded(list) => return format!("What counts here: {list}.").into(),
        Text::Method(method) => return self::method(method).to_owned().into(),
        // The words of refusals stand beside their reasons, since programs are told them too.
        Text::RefusalTitle(reason) => reason.words().0,
        Text::RefusalText(reason) => reason.words().1,
    })
}

fn method(method: &VerificationMethod) -> &str {
    match method {
        VerificationMethod::Sms => "SMS code",
        VerificationMethod::EmailOtp => "e-mail code",
        VerificationMethod::EmailMagicLink => "link by e-mail",
        VerificationMethod::AuthenticatorApp => "authenticator app",
        VerificationMethod::Passkey => "passkey",
        VerificationMethod::SecurityKey => "security key",
        VerificationMethod::Push => "message in the app",
        VerificationMethod::Veriff => "identity check (Veriff)",
        VerificationMethod::Iproov => "face check (iProov)",
        VerificationMethod::Idverse => "identity check (IDVerse)",
        VerificationMethod::Device => "this device",
        VerificationMethod::PalmBiometricsRr => "palm scan",
        VerificationMethod::RecoveryCode => "recovery code",
        VerificationMethod::Whatsapp => "WhatsApp code",
        VerificationMethod::QrCode => "QR code",
        VerificationMethod::InApp => "confirmation in the app",
        VerificationMethod::Onfido => "identity check (Onfido)",
        VerificationMethod::AppleIdToken => "sign-in with Apple",
        VerificationMethod::GoogleIdToken => "sign-in with Google",
        VerificationMethod::DigitalCredential => "digital credential",
        VerificationMethod::OidcProvider => "sign-in with another account",
        other => other.as_str(),
    }
}
