//! French.
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
        Text::Continue => "Continuer",
        Text::ContinueInNewWindow => "Continuer dans une nouvelle fenêtre",
        Text::TryAgain => "Réessayer",
        Text::LookAgain => "Revoir",
        Text::Reviewed => {
            "Quelqu’un a examiné ceci, et cela peut continuer. Rien n’a encore été fait : continuez avec ce que vous avez envoyé."
        }
        Text::Cancel => "Annuler",
        Text::OneLastStep => "Une dernière étape",
        Text::Resume => {
            "Votre identité est confirmée. Rien n’a encore été fait : continuez avec ce que vous avez envoyé."
        }
        Text::ContinueWithin(0) => "C’est valable moins d’une minute.",
        Text::ContinueWithin(1) => "C’est valable une minute.",
        Text::ContinueWithin(minutes) => return format!("C’est valable {minutes} minutes.").into(),
        Text::Action => "Action",
        Text::Yes => "Oui",
        Text::No => "Non",
        Text::SentTo => "Envoyé à",
        Text::TypeAgain => "Par sécurité, ceci n’a pas été conservé. Veuillez le saisir à nouveau :",
        Text::NotKeptFields(list) => return format!("Ceci n’a pas pu être conservé : {list}.").into(),
        Text::Unkept(name, why) => {
            let why = match why {
                UnkeptReason::File => "fichier",
                UnkeptReason::TooLong => "trop long",
                UnkeptReason::Encoding => "sauts de ligne ou caractères spéciaux",
            };
            return format!("{name} ({why})").into();
        }
        Text::ChooseAgain => {
            "Choisissez à nouveau la même chose ici, ou revenez au formulaire et envoyez-le une nouvelle fois, tel quel."
        }
        Text::BackToForm => "Revenir au formulaire",
        Text::OneMoment => "Un instant",
        Text::BeingTakenBack => "Vous allez être redirigé.",
        Text::NotConfirmedYet => "Pas encore confirmé",
        Text::Left => "Vous avez quitté avant que votre identité soit confirmée. Rien n’a été fait.",
        Text::AlreadyPassedOn => "Déjà transmis",
        Text::PassedOnBefore => "Ceci a déjà été confirmé et transmis. Ce n’a pas été transmis une seconde fois.",
        Text::LookWhetherDone => "Vérifiez si cela a été fait avant de l’envoyer à nouveau.",
        Text::Confirmed => "Confirmé",
        Text::Approved => "Revenez là où vous étiez : cela peut continuer. Vous pouvez fermer cette page.",
        Text::NotKept(NotKept::Body) => "Ce que vous avez envoyé n’est pas conservé, comme par exemple un fichier.",
        Text::NotKept(NotKept::Script) => "La page où vous étiez a fait cette demande et n’a pas pu la conserver.",
        Text::NotKept(NotKept::Target) => "L’adresse que vous avez utilisée ne peut pas être rouverte d’ici.",
        Text::SendAgainWithin(0) => "Envoyez la même chose maintenant, et cela passera.",
        Text::SendAgainWithin(1) => "Envoyez la même chose dans la minute, et cela passera.",
        Text::SendAgainWithin(minutes @ 2..60) => {
            return format!("Envoyez la même chose d’ici {minutes} minutes, et cela passera.").into();
        }
        Text::SendAgainWithin(_) => "Envoyez la même chose d’ici une heure, et cela passera.",
        Text::ConfirmItsYou => "Confirmez que c’est bien vous",
        Text::NotInsideThisPage => "Il faut une preuve de plus, qui ne peut pas être donnée dans cette page.",
        Text::BackToApp => "Revenez à l’application",
        Text::CloseThisPage => "Vous pouvez fermer cette page et continuer là où vous étiez.",
        Text::SendOnceMore => "Revenez en arrière et envoyez-le une nouvelle fois.",
        Text::MethodsNeeded(list) => return format!("Ici compte : {list}.").into(),
        Text::Method(method) => return self::method(method).to_owned().into(),
        Text::RefusalTitle(reason) => refusal(reason).0,
        Text::RefusalText(reason) => refusal(reason).1,
    })
}

fn refusal(reason: &RefusalReason) -> (&'static str, &'static str) {
    match reason {
        RefusalReason::Unauthenticated => {
            ("Veuillez vous connecter", "Vous devez être connecté pour cela. Connectez-vous, puis réessayez.")
        }
        RefusalReason::IdentifyRejected | RefusalReason::InvalidUser(_) => {
            ("C’est impossible", "Nous n’avons pas pu savoir de quel compte il s’agit. Rien n’a été fait.")
        }
        RefusalReason::ChallengeRequired => {
            ("Confirmez que c’est bien vous", "Il faut une preuve de plus que c’est bien vous.")
        }
        RefusalReason::State(ActionState::ReviewRequired) => {
            ("En cours d’examen", "Quelqu’un doit d’abord examiner ceci. Rien n’a encore été fait.")
        }
        RefusalReason::State(_) => {
            ("Ceci a été refusé", "Pour votre sécurité, ceci n’a pas été autorisé. Rien n’a été fait.")
        }
        RefusalReason::UnderReview => (
            "C’est en cours d’examen",
            "Quelqu’un examine ceci avant que ce soit fait. Rien n’a encore été fait : revenez voir dans un moment.",
        ),
        RefusalReason::NotEnrolled => (
            "Configurez d’abord un moyen de confirmation",
            "Ceci est réservé aux comptes qui ont un second moyen de confirmation. Rien n’a été fait.",
        ),
        RefusalReason::Outage(Outage::Rejected) => (
            "Confirmation impossible pour le moment",
            "Rien n’a été fait. Veuillez prévenir les responsables de cette application.",
        ),
        RefusalReason::Outage(_) => {
            ("Vérification impossible pour le moment", "Rien n’a été fait. Veuillez réessayer dans quelques secondes.")
        }
        RefusalReason::UntrustedChallenge => {
            ("Confirmation impossible pour le moment", "Rien n’a été fait. Veuillez réessayer plus tard.")
        }
        RefusalReason::BodyTooLarge => (
            "C’est trop volumineux",
            "Ce que vous avez envoyé est trop volumineux pour être confirmé. Rien n’a été fait.",
        ),
        RefusalReason::BodyUnreadable => {
            ("Lecture impossible", "Ce que vous avez envoyé n’est pas arrivé en entier. Rien n’a été fait.")
        }
        RefusalReason::BodyTooSlow => {
            ("Cela a pris trop de temps", "Ce que vous avez envoyé n’est pas arrivé à temps. Rien n’a été fait.")
        }
        RefusalReason::InvalidTarget => ("Cette adresse ne convient pas", "Rien n’a été fait."),
        RefusalReason::Prefetch => {
            ("Pas encore demandé", "Le navigateur a fait cette demande d’avance. Rien n’a été fait.")
        }
        RefusalReason::InvalidCallback => {
            ("Ce lien est incomplet", "Il ne ressemble pas à ceux de la page de confirmation.")
        }
        RefusalReason::InvalidToken => {
            ("Confirmation impossible", "La preuve reçue n’a pas pu être lue. Rien n’a été fait.")
        }
        RefusalReason::UnknownFlow => (
            "Ceci a expiré",
            "Cela a pris trop de temps, ou a commencé dans un autre navigateur. Rien n’a été fait : recommencez là où vous \
             étiez.",
        ),
        RefusalReason::OtherUser => (
            "Ceci appartient à une autre connexion",
            "Quelqu’un d’autre l’a commencé, ou vous vous êtes reconnecté depuis. Rien n’a été fait.",
        ),
        RefusalReason::CrossSite => (
            "Impossible depuis ici",
            "Cela venait d’une page d’un autre site. Rien n’a été fait : recommencez sur celui-ci.",
        ),
        RefusalReason::OtherHost => (
            "Veuillez utiliser notre adresse principale",
            "Rien n’a été fait ici : ouvrez notre adresse principale et recommencez là-bas.",
        ),
        RefusalReason::AlreadyDone => (
            "Déjà transmis",
            "Ceci a été confirmé et transmis à l’instant, et ne l’a pas été deux fois. Vérifiez si cela a été fait avant de \
             l’envoyer à nouveau.",
        ),
        RefusalReason::OverBudget(Budget::Challenges) => (
            "Trop à la fois",
            "Vous avez commencé ceci plusieurs fois sans le confirmer. Rien n’a été fait : confirmez l’une de ces demandes, \
             ou réessayez dans quelques minutes.",
        ),
        RefusalReason::OverBudget(Budget::Refusals) => (
            "Veuillez patienter",
            "Ceci a été refusé plusieurs fois. Rien n’a été fait : réessayez dans quelques minutes.",
        ),
        RefusalReason::OverBudget(Budget::PendingFlows) => (
            "Trop à la fois",
            "Vous avez commencé beaucoup de choses sans les confirmer. Rien n’a été fait : confirmez l’une d’elles, ou \
             réessayez dans quelques minutes.",
        ),
        RefusalReason::OverBudget(Budget::Validates) => (
            "Trop d’essais",
            "Ceci a été essayé de nombreuses fois sans preuve. Rien n’a été fait : recommencez dans quelques minutes là où \
             vous étiez.",
        ),
        RefusalReason::BodyUnsupported => (
            "Cela ne peut pas être lu",
            "Ce que vous avez envoyé est dans un format qui n’est pas lu ici. Rien n’a été fait.",
        ),
        RefusalReason::BodyMalformed(_) => {
            ("Cela n’est pas clair", "Ce que vous avez envoyé peut se lire de plusieurs façons. Rien n’a été fait.")
        }
        RefusalReason::BodyInvalid(_) => (
            "Cela n’est pas complet",
            "Il manque quelque chose à ce que vous avez envoyé, ou quelque chose ne convient pas. Rien n’a été fait.",
        ),
        RefusalReason::MethodsNotOffered
        | RefusalReason::DataConflict
        | RefusalReason::CallbackGuarded
        | RefusalReason::Unguarded => {
            ("Confirmation impossible", "Rien n’a été fait. Veuillez prévenir les responsables de cette application.")
        }
        RefusalReason::NoPerson => (
            "Ceci ne peut être fait pour quelqu’un d’autre",
            "La personne à qui appartient ce compte doit le faire elle-même. Rien n’a été fait.",
        ),
        RefusalReason::Unproven(Unproven::Expired) => {
            ("Ceci a expiré", "Cela a pris trop de temps. Rien n’a été fait : recommencez là où vous étiez.")
        }
        RefusalReason::Unproven(Unproven::Method) => (
            "Veuillez confirmer d’une autre façon",
            "C’est confirmé, mais d’une façon qui ne suffit pas ici. Rien n’a été fait : réessayez et choisissez une autre façon.",
        ),
        RefusalReason::Unproven(Unproven::Age) => (
            "Veuillez confirmer encore une fois",
            "La confirmation est trop ancienne pour ceci. Rien n’a été fait : réessayez et confirmez de nouveau.",
        ),
        RefusalReason::Unproven(_) => ("Confirmation impossible", "La preuve ne correspondait pas. Rien n’a été fait."),
    }
}

fn method(method: &VerificationMethod) -> &str {
    match method {
        VerificationMethod::Sms => "code par SMS",
        VerificationMethod::EmailOtp => "code par e-mail",
        VerificationMethod::EmailMagicLink => "lien par e-mail",
        VerificationMethod::AuthenticatorApp => "application d’authentification",
        VerificationMethod::Passkey => "clé d’accès",
        VerificationMethod::SecurityKey => "clé de sécurité",
        VerificationMethod::Push => "message dans l’application",
        VerificationMethod::Veriff => "vérification d’identité (Veriff)",
        VerificationMethod::Iproov => "vérification du visage (iProov)",
        VerificationMethod::Idverse => "vérification d’identité (IDVerse)",
        VerificationMethod::Device => "cet appareil",
        VerificationMethod::PalmBiometricsRr => "scan de la paume",
        VerificationMethod::RecoveryCode => "code de récupération",
        VerificationMethod::Whatsapp => "code par WhatsApp",
        VerificationMethod::QrCode => "code QR",
        VerificationMethod::InApp => "confirmation dans l’application",
        VerificationMethod::Onfido => "vérification d’identité (Onfido)",
        VerificationMethod::AppleIdToken => "connexion avec Apple",
        VerificationMethod::GoogleIdToken => "connexion avec Google",
        VerificationMethod::DigitalCredential => "justificatif numérique",
        VerificationMethod::OidcProvider => "connexion avec un autre compte",
        other => other.as_str(),
    }
}
