use std::collections::BTreeSet;

use authsignal_client::VerificationMethod;
use http::{HeaderMap, HeaderValue, header};

use super::*;
use crate::domain::form::UnkeptReason;
use crate::domain::saved_request::NotKept;
use crate::refusal::RefusalReason;
use crate::refusal::tests::every_reason;

/// Every method that has a name of ours.
const METHODS: [VerificationMethod; 21] = {
    use VerificationMethod::*;
    [
        Sms,
        EmailOtp,
        EmailMagicLink,
        AuthenticatorApp,
        Passkey,
        SecurityKey,
        Push,
        Veriff,
        Iproov,
        Idverse,
        Device,
        PalmBiometricsRr,
        RecoveryCode,
        Whatsapp,
        QrCode,
        InApp,
        Onfido,
        AppleIdToken,
        GoogleIdToken,
        DigitalCredential,
        OidcProvider,
    ]
};

/// Every text, with values at the edges of their words.
fn every_text(reasons: &[RefusalReason]) -> Vec<Text<'_>> {
    let mut texts = vec![
        Text::Continue,
        Text::ContinueInNewWindow,
        Text::TryAgain,
        Text::Cancel,
        Text::LookAgain,
        Text::Reviewed,
        Text::OneLastStep,
        Text::Resume,
        Text::Action,
        Text::SentTo,
        Text::TypeAgain,
        Text::NotKeptFields("1"),
        Text::Unkept("2", UnkeptReason::File),
        Text::Unkept("2", UnkeptReason::TooLong),
        Text::Unkept("2", UnkeptReason::Encoding),
        Text::ChooseAgain,
        Text::BackToForm,
        Text::OneMoment,
        Text::BeingTakenBack,
        Text::NotConfirmedYet,
        Text::Left,
        Text::AlreadyPassedOn,
        Text::PassedOnBefore,
        Text::LookWhetherDone,
        Text::Confirmed,
        Text::Approved,
        Text::NotKept(NotKept::Body),
        Text::NotKept(NotKept::Script),
        Text::NotKept(NotKept::Target),
        Text::ConfirmItsYou,
        Text::NotInsideThisPage,
        Text::BackToApp,
        Text::CloseThisPage,
        Text::SendOnceMore,
        Text::MethodsNeeded("1"),
    ];
    texts.extend(METHODS.iter().map(Text::Method));
    texts.extend([0, 1, 2, 59, 60].into_iter().flat_map(|n| [Text::ContinueWithin(n), Text::SendAgainWithin(n)]));
    texts.extend(reasons.iter().flat_map(|reason| [Text::RefusalTitle(reason), Text::RefusalText(reason)]));
    texts
}

/// Each language has words of its own for everything, and tells apart what English tells apart.
#[test]
fn no_language_misses_a_text() {
    let reasons = every_reason();
    let texts = every_text(&reasons);
    for own in Own::ALL {
        for text in &texts {
            let said = own.say(*text);
            assert!(!said.trim().is_empty() && said.trim() == said, "{} {text:?}: {said:?}", own.tag());
            assert!(
                !said.contains("  ") && (own == Own::English || !said.contains('\'')) && !said.contains('{'),
                "{} {text:?}: {said}",
                own.tag()
            );
            let is_english = said == en::say(*text).replace('\'', "’");
            assert!(
                own == Own::English || !is_english || said == "Action",
                "{} {text:?} is English: {said}",
                own.tag()
            );
            for number in ["2", "59"].iter().filter(|number| Own::English.say(*text).contains(*number)) {
                assert!(said.contains(*number), "{} {text:?}: {said}", own.tag());
            }
        }
        let told_apart =
            |own: Own| reasons.iter().map(|reason| own.say(Text::RefusalText(reason))).collect::<BTreeSet<_>>();
        assert_eq!(told_apart(own).len(), told_apart(Own::English).len(), "{}", own.tag());
    }
    println!("{} texts in {} languages", texts.len(), Own::ALL.len());
}

struct Added(&'static str);

impl Language for Added {
    fn tag(&self) -> &str {
        self.0
    }
    fn text(&self, text: Text<'_>) -> Option<String> {
        (text == Text::Continue).then(|| format!("on ({})", self.0))
    }
    fn is_right_to_left(&self) -> bool {
        self.0 == "ar"
    }
}

fn asking(accept: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap())])
}

#[test]
fn the_best_liked_language_of_all_that_we_have_is_spoken() {
    let ours = Languages::default();
    let with = Languages::new(vec![Arc::new(Added("pt-BR")), Arc::new(Added("de")), Arc::new(Added("ar"))]).unwrap();
    let cases = [
        ("", "en", "en"),
        ("*", "en", "en"),
        ("de", "de", "de"),
        ("DE-at, en;q=0.9", "de", "de"),
        ("en;q=0.5, fr-CA-x-y;q=0.8", "fr", "fr"),
        ("es-419", "es", "es"),
        ("it, nl;q=0.9, es;q=0.1", "es", "es"),
        ("it", "en", "en"),
        ("de;q=0, es;q=0", "en", "en"),
        ("pt, fr;q=0.9", "fr", "pt-BR"),
        ("pt-BR", "en", "pt-BR"),
        ("pt-PT", "en", "pt-BR"),
        ("ar-EG", "en", "ar"),
        ("english", "en", "en"),
    ];
    for (accept, own, added) in cases {
        assert_eq!(ours.of(&asking(accept)).tag(), own, "{accept}");
        assert_eq!(with.of(&asking(accept)).tag(), added, "{accept}");
    }
    assert!(with.of(&asking("ar")).is_right_to_left() && !with.of(&asking("de")).is_right_to_left());
}

/// What a language that was added leaves out is ours in the same language, or else English.
#[test]
fn what_is_left_out_is_ours() {
    let with = Languages::new(vec![Arc::new(Added("de")), Arc::new(Added("it"))]).unwrap();
    for (tag, cancel) in [("de", "Abbrechen"), ("it", "Cancel")] {
        let words = with.of(&asking(tag));
        assert_eq!((&*words.say(Text::Continue), &*words.say(Text::Cancel)), (&*format!("on ({tag})"), cancel));
    }
}
