//! German.
use std::borrow::Cow;

use authsignal_client::{ActionState, VerificationMethod};

use super::text::Text;
use crate::budget::Budget;
use crate::domain::flow::Unproven;
use crate::domain::form::UnkeptReason;
use crate::domain::saved_request::NotKept;
use crate::outage::Outage;
use crate::refusal::RefusalReason;

pub(super) fn say(text: Text<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match text {
        Text::Continue => "Weiter",
        Text::ContinueInNewWindow => "In neuem Fenster weiter",
        Text::TryAgain => "Erneut versuchen",
        Text::LookAgain => "Wieder nachsehen",
        Text::Reviewed => {
            "Jemand hat sich das angesehen, und es darf weitergehen. Noch ist nichts geschehen: Fahren Sie mit Ihren Angaben fort."
        }
        Text::Cancel => "Abbrechen",
        Text::OneLastStep => "Ein letzter Schritt",
        Text::Resume => {
            "Es ist bestätigt, dass Sie es sind. Noch ist nichts geschehen: Fahren Sie mit Ihren Angaben fort."
        }
        Text::ContinueWithin(0) => "Das gilt noch weniger als eine Minute.",
        Text::ContinueWithin(1) => "Das gilt noch eine Minute.",
        Text::ContinueWithin(minutes) => return format!("Das gilt noch {minutes} Minuten.").into(),
        Text::Action => "Vorgang",
        Text::Yes => "Ja",
        Text::No => "Nein",
        Text::SentTo => "Gesendet an",
        Text::TypeAgain => "Das wurde zu Ihrer Sicherheit nicht aufbewahrt. Bitte geben Sie es noch einmal ein:",
        Text::NotKeptFields(list) => return format!("Das konnte nicht aufbewahrt werden: {list}.").into(),
        Text::Unkept(name, why) => {
            let why = match why {
                UnkeptReason::File => "Datei",
                UnkeptReason::TooLong => "zu lang",
                UnkeptReason::Encoding => "Zeilenumbrüche oder besondere Zeichen",
            };
            return format!("{name} ({why})").into();
        }
        Text::ChooseAgain => {
            "Wählen Sie hier dasselbe noch einmal aus, oder gehen Sie zurück zum Formular, und senden Sie es unverändert noch einmal."
        }
        Text::BackToForm => "Zurück zum Formular",
        Text::OneMoment => "Einen Moment",
        Text::BeingTakenBack => "Es geht zurück.",
        Text::NotConfirmedYet => "Noch nicht bestätigt",
        Text::Left => "Sie haben abgebrochen, bevor bestätigt war, dass Sie es sind. Es ist nichts geschehen.",
        Text::AlreadyPassedOn => "Bereits weitergegeben",
        Text::PassedOnBefore => {
            "Das wurde schon bestätigt und weitergegeben. Ein zweites Mal wurde es nicht weitergegeben."
        }
        Text::LookWhetherDone => "Prüfen Sie, ob es ausgeführt wurde, bevor Sie es noch einmal senden.",
        Text::Confirmed => "Bestätigt",
        Text::Approved => "Gehen Sie zurück: Dort geht es jetzt weiter. Diese Seite können Sie schließen.",
        Text::NotKept(NotKept::Body) => "Ihre Angaben sind von einer Art, die nicht aufbewahrt wird, etwa eine Datei.",
        Text::NotKept(NotKept::Script) => {
            "Die Seite, auf der Sie waren, hat dies angefragt und konnte es nicht aufbewahren."
        }
        Text::NotKept(NotKept::Target) => "Die aufgerufene Adresse lässt sich von hier nicht noch einmal öffnen.",
        Text::SendAgainWithin(0) => "Senden Sie dasselbe jetzt noch einmal, dann kommt es an.",
        Text::SendAgainWithin(1) => "Senden Sie dasselbe innerhalb einer Minute noch einmal, dann kommt es an.",
        Text::SendAgainWithin(minutes @ 2..60) => {
            return format!("Senden Sie dasselbe innerhalb von {minutes} Minuten noch einmal, dann kommt es an.")
                .into();
        }
        Text::SendAgainWithin(_) => "Senden Sie dasselbe innerhalb einer Stunde noch einmal, dann kommt es an.",
        Text::ConfirmItsYou => "Bitte bestätigen Sie, dass Sie es sind",
        Text::NotInsideThisPage => "Dafür ist noch ein Nachweis nötig, der sich in dieser Seite nicht erbringen lässt.",
        Text::BackToApp => "Zurück zur App",
        Text::CloseThisPage => "Sie können diese Seite schließen und weitermachen, wo Sie waren.",
        Text::SendOnceMore => "Gehen Sie zurück, und senden Sie es noch einmal.",
        Text::MethodsNeeded(list) => return format!("Hier zählt: {list}.").into(),
        Text::Method(method) => return self::method(method).to_owned().into(),
        Text::RefusalTitle(reason) => refusal(reason).0,
        Text::RefusalText(reason) => refusal(reason).1,
    })
}

fn refusal(reason: &RefusalReason) -> (&'static str, &'static str) {
    match reason {
        RefusalReason::Unauthenticated => (
            "Bitte melden Sie sich an",
            "Dafür müssen Sie angemeldet sein. Melden Sie sich an, und versuchen Sie es dann erneut.",
        ),
        RefusalReason::IdentifyRejected | RefusalReason::InvalidUser(_) => (
            "Das ist nicht möglich",
            "Es war nicht zu erkennen, für welches Konto dies ist. Deshalb ist nichts geschehen.",
        ),
        RefusalReason::ChallengeRequired => {
            ("Bitte bestätigen Sie, dass Sie es sind", "Dafür ist noch ein Nachweis nötig, dass Sie es sind.")
        }
        RefusalReason::State(ActionState::ReviewRequired) => {
            ("Das wird geprüft", "Das muss sich erst jemand ansehen. Es ist noch nichts geschehen.")
        }
        RefusalReason::State(_) => {
            ("Das wurde abgelehnt", "Zu Ihrer Sicherheit wurde dies nicht zugelassen. Es ist nichts geschehen.")
        }
        RefusalReason::UnderReview => (
            "Das wird gerade geprüft",
            "Jemand sieht sich das an, bevor es ausgeführt wird. Noch ist nichts geschehen: Sehen Sie später wieder nach.",
        ),
        RefusalReason::NotEnrolled => (
            "Richten Sie zuerst eine Bestätigung ein",
            "Das geht nur mit Konten, für die ein zweiter Nachweis eingerichtet ist. Es ist nichts geschehen.",
        ),
        RefusalReason::Outage(Outage::Rejected) => (
            "Das kann gerade nicht bestätigt werden",
            "Es ist nichts geschehen. Bitte sagen Sie denen Bescheid, die diese Anwendung betreiben.",
        ),
        RefusalReason::Outage(_) => (
            "Das kann gerade nicht geprüft werden",
            "Es ist nichts geschehen. Bitte versuchen Sie es in ein paar Sekunden erneut.",
        ),
        RefusalReason::UntrustedChallenge => {
            ("Das kann gerade nicht bestätigt werden", "Es ist nichts geschehen. Bitte versuchen Sie es später erneut.")
        }
        RefusalReason::BodyTooLarge => {
            ("Das ist zu groß", "Was Sie gesendet haben, ist zu groß, um bestätigt zu werden. Es ist nichts geschehen.")
        }
        RefusalReason::BodyUnreadable => {
            ("Das war nicht lesbar", "Was Sie gesendet haben, kam nicht vollständig an. Es ist nichts geschehen.")
        }
        RefusalReason::BodyTooSlow => {
            ("Das hat zu lange gedauert", "Was Sie gesendet haben, kam nicht rechtzeitig an. Es ist nichts geschehen.")
        }
        RefusalReason::InvalidTarget => ("Diese Adresse ist nicht möglich", "Es ist nichts geschehen."),
        RefusalReason::Prefetch => {
            ("Noch nicht angefragt", "Der Browser hat im Voraus angefragt. Es ist nichts geschehen.")
        }
        RefusalReason::InvalidCallback => {
            ("Dieser Link ist unvollständig", "Er sieht nicht aus wie einer, zu dem die Seite zum Bestätigen führt.")
        }
        RefusalReason::InvalidToken => {
            ("Das war nicht zu bestätigen", "Der mitgesendete Nachweis war nicht lesbar. Es ist nichts geschehen.")
        }
        RefusalReason::UnknownFlow => (
            "Das ist abgelaufen",
            "Es hat zu lange gedauert oder wurde in einem anderen Browser begonnen. Es ist nichts geschehen: Beginnen Sie \
             noch einmal, wo Sie waren.",
        ),
        RefusalReason::OtherUser => (
            "Das gehört zu einer anderen Anmeldung",
            "Es wurde von jemand anderem begonnen, oder bevor Sie sich neu angemeldet haben. Es ist nichts geschehen.",
        ),
        RefusalReason::CrossSite => (
            "Von hier aus geht das nicht",
            "Es kam von der Seite einer anderen Website. Es ist nichts geschehen: Beginnen Sie auf dieser noch einmal.",
        ),
        RefusalReason::OtherHost => (
            "Bitte nutzen Sie unsere Hauptadresse",
            "Hier ist nichts geschehen: Öffnen Sie unsere Hauptadresse, und beginnen Sie dort noch einmal.",
        ),
        RefusalReason::AlreadyDone => (
            "Bereits weitergegeben",
            "Das wurde bestätigt und gerade eben weitergegeben, nicht zweimal. Prüfen Sie, ob es ausgeführt wurde, bevor \
             Sie es noch einmal senden.",
        ),
        RefusalReason::OverBudget(Budget::Challenges) => (
            "Zu viel auf einmal",
            "Sie haben dies mehrmals begonnen, ohne es zu bestätigen. Es ist nichts geschehen: Bestätigen Sie eines davon, \
             oder versuchen Sie es in einigen Minuten erneut.",
        ),
        RefusalReason::OverBudget(Budget::Refusals) => (
            "Bitte warten Sie eine Weile",
            "Das wurde mehrmals abgelehnt. Es ist nichts geschehen: Versuchen Sie es in einigen Minuten erneut.",
        ),
        RefusalReason::OverBudget(Budget::PendingFlows) => (
            "Zu viel auf einmal",
            "Sie haben vieles begonnen, ohne es zu bestätigen. Es ist nichts geschehen: Bestätigen Sie etwas davon, oder \
             versuchen Sie es in einigen Minuten erneut.",
        ),
        RefusalReason::OverBudget(Budget::Validates) => (
            "Zu viele Versuche",
            "Das wurde oft ohne Nachweis versucht. Es ist nichts geschehen: Beginnen Sie in einigen Minuten noch einmal, wo \
             Sie waren.",
        ),
        RefusalReason::BodyUnsupported => (
            "Das lässt sich nicht lesen",
            "Ihre Angaben kamen in einer Form an, die hier nicht gelesen wird. Es ist nichts geschehen.",
        ),
        RefusalReason::BodyMalformed(_) => (
            "Das ist nicht eindeutig",
            "Ihre Angaben lassen sich auf mehr als eine Weise lesen. Es ist nichts geschehen.",
        ),
        RefusalReason::BodyInvalid(_) => (
            "Das ist nicht vollständig",
            "In Ihren Angaben fehlt etwas, oder etwas passt nicht. Es ist nichts geschehen.",
        ),
        RefusalReason::MethodsNotOffered
        | RefusalReason::DataConflict
        | RefusalReason::CallbackGuarded
        | RefusalReason::Unguarded => (
            "Das kann nicht bestätigt werden",
            "Es ist nichts geschehen. Bitte sagen Sie denen Bescheid, die diese Anwendung betreiben.",
        ),
        RefusalReason::NoPerson => (
            "Das geht nicht für jemand anderen",
            "Das muss die Person selbst tun, der das Konto gehört. Es ist nichts geschehen.",
        ),
        RefusalReason::Unproven(Unproven::Expired) => (
            "Das ist abgelaufen",
            "Es hat zu lange gedauert. Es ist nichts geschehen: Beginnen Sie noch einmal, wo Sie waren.",
        ),
        RefusalReason::Unproven(Unproven::Method) => (
            "Bitte bestätigen Sie es auf andere Weise",
            "Es wurde bestätigt, aber nicht auf eine Weise, die hierfür genügt. Es ist nichts geschehen: Versuchen Sie es \
             erneut, und wählen Sie eine andere Weise.",
        ),
        RefusalReason::Unproven(Unproven::Age) => (
            "Bitte bestätigen Sie es noch einmal",
            "Die Bestätigung liegt hierfür zu lange zurück. Es ist nichts geschehen: Versuchen Sie es erneut, und bestätigen \
             Sie es neu.",
        ),
        RefusalReason::Unproven(_) => {
            ("Das war nicht zu bestätigen", "Der Nachweis war nicht für dies. Es ist nichts geschehen.")
        }
    }
}

fn method(method: &VerificationMethod) -> &str {
    match method {
        VerificationMethod::Sms => "Code per SMS",
        VerificationMethod::EmailOtp => "Code per E-Mail",
        VerificationMethod::EmailMagicLink => "Link per E-Mail",
        VerificationMethod::AuthenticatorApp => "Authenticator-App",
        VerificationMethod::Passkey => "Passkey",
        VerificationMethod::SecurityKey => "Sicherheitsschlüssel",
        VerificationMethod::Push => "Nachricht in der App",
        VerificationMethod::Veriff => "Identitätsprüfung (Veriff)",
        VerificationMethod::Iproov => "Gesichtsprüfung (iProov)",
        VerificationMethod::Idverse => "Identitätsprüfung (IDVerse)",
        VerificationMethod::Device => "dieses Gerät",
        VerificationMethod::PalmBiometricsRr => "Handscan",
        VerificationMethod::RecoveryCode => "Wiederherstellungscode",
        VerificationMethod::Whatsapp => "Code per WhatsApp",
        VerificationMethod::QrCode => "QR-Code",
        VerificationMethod::InApp => "Bestätigung in der App",
        VerificationMethod::Onfido => "Identitätsprüfung (Onfido)",
        VerificationMethod::AppleIdToken => "Anmeldung mit Apple",
        VerificationMethod::GoogleIdToken => "Anmeldung mit Google",
        VerificationMethod::DigitalCredential => "digitaler Nachweis",
        VerificationMethod::OidcProvider => "Anmeldung mit einem anderen Konto",
        other => other.as_str(),
    }
}
