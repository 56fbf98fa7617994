//! Spanish.
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
        Text::Continue => "Continuar",
        Text::ContinueInNewWindow => "Continuar en una ventana nueva",
        Text::TryAgain => "Intentar de nuevo",
        Text::LookAgain => "Volver a mirar",
        Text::Reviewed => {
            "Alguien lo ha revisado y puede seguir. Todavía no se ha hecho nada: continúe con lo que envió."
        }
        Text::Cancel => "Cancelar",
        Text::OneLastStep => "Un último paso",
        Text::Resume => "Está confirmado que es usted. Todavía no se ha hecho nada: continúe con lo que envió.",
        Text::ContinueWithin(0) => "Es válido menos de un minuto.",
        Text::ContinueWithin(1) => "Es válido un minuto.",
        Text::ContinueWithin(minutes) => return format!("Es válido {minutes} minutos.").into(),
        Text::Action => "Acción",
        Text::Yes => "Sí",
        Text::No => "No",
        Text::SentTo => "Enviado a",
        Text::TypeAgain => "Por su seguridad, esto no se guardó. Escríbalo de nuevo:",
        Text::NotKeptFields(list) => return format!("Esto no se pudo guardar: {list}.").into(),
        Text::Unkept(name, why) => {
            let why = match why {
                UnkeptReason::File => "archivo",
                UnkeptReason::TooLong => "demasiado largo",
                UnkeptReason::Encoding => "saltos de línea o caracteres especiales",
            };
            return format!("{name} ({why})").into();
        }
        Text::ChooseAgain => {
            "Vuelva a elegir lo mismo aquí, o vuelva al formulario y envíelo otra vez tal como estaba."
        }
        Text::BackToForm => "Volver al formulario",
        Text::OneMoment => "Un momento",
        Text::BeingTakenBack => "Va de vuelta.",
        Text::NotConfirmedYet => "Aún sin confirmar",
        Text::Left => "Salió antes de que se confirmara que es usted. No se ha hecho nada.",
        Text::AlreadyPassedOn => "Ya entregado",
        Text::PassedOnBefore => "Esto ya se confirmó y se entregó antes. No se entregó por segunda vez.",
        Text::LookWhetherDone => "Compruebe si se hizo antes de enviarlo de nuevo.",
        Text::Confirmed => "Confirmado",
        Text::Approved => "Vuelva a donde estaba: ya puede seguir. Puede cerrar esta página.",
        Text::NotKept(NotKept::Body) => "Lo que envió es de un tipo que no se guarda, por ejemplo un archivo.",
        Text::NotKept(NotKept::Script) => "La página en la que estaba pidió esto y no pudo guardarlo.",
        Text::NotKept(NotKept::Target) => "La dirección que usó no se puede volver a abrir desde aquí.",
        Text::SendAgainWithin(0) => "Envíe lo mismo otra vez ahora y se aceptará.",
        Text::SendAgainWithin(1) => "Envíe lo mismo otra vez en un minuto y se aceptará.",
        Text::SendAgainWithin(minutes @ 2..60) => {
            return format!("Envíe lo mismo otra vez en los próximos {minutes} minutos y se aceptará.").into();
        }
        Text::SendAgainWithin(_) => "Envíe lo mismo otra vez en la próxima hora y se aceptará.",
        Text::ConfirmItsYou => "Confirme que es usted",
        Text::NotInsideThisPage => "Hace falta una prueba más, que no se puede dar dentro de esta página.",
        Text::BackToApp => "Vuelva a la aplicación",
        Text::CloseThisPage => "Puede cerrar esta página y seguir donde estaba.",
        Text::SendOnceMore => "Vuelva atrás y envíelo otra vez.",
        Text::MethodsNeeded(list) => return format!("Aquí vale: {list}.").into(),
        Text::Method(method) => return self::method(method).to_owned().into(),
        Text::RefusalTitle(reason) => refusal(reason).0,
        Text::RefusalText(reason) => refusal(reason).1,
    })
}

fn refusal(reason: &RefusalReason) -> (&'static str, &'static str) {
    match reason {
        RefusalReason::Unauthenticated => {
            ("Inicie sesión", "Para esto debe haber iniciado sesión. Iníciela e inténtelo de nuevo.")
        }
        RefusalReason::IdentifyRejected | RefusalReason::InvalidUser(_) => {
            ("Esto no es posible", "No pudimos saber de qué cuenta se trata, así que no se ha hecho nada.")
        }
        RefusalReason::ChallengeRequired => ("Confirme que es usted", "Hace falta una prueba más de que es usted."),
        RefusalReason::State(ActionState::ReviewRequired) => {
            ("Esto se está revisando", "Alguien tiene que verlo antes. Todavía no se ha hecho nada.")
        }
        RefusalReason::State(_) => {
            ("Esto se ha rechazado", "Por su seguridad no se ha permitido. No se ha hecho nada.")
        }
        RefusalReason::UnderReview => (
            "Se está revisando",
            "Alguien lo revisa antes de que se haga. Todavía no se ha hecho nada: vuelva a mirar dentro de un rato.",
        ),
        RefusalReason::NotEnrolled => (
            "Configure antes una forma de confirmar",
            "Esto es solo para cuentas con una segunda forma de confirmar que es usted. No se ha hecho nada.",
        ),
        RefusalReason::Outage(Outage::Rejected) => (
            "Esto no se puede confirmar ahora",
            "No se ha hecho nada. Avise, por favor, a quienes gestionan esta aplicación.",
        ),
        RefusalReason::Outage(_) => {
            ("Esto no se puede comprobar ahora", "No se ha hecho nada. Inténtelo de nuevo en unos segundos.")
        }
        RefusalReason::UntrustedChallenge => {
            ("Esto no se puede confirmar ahora", "No se ha hecho nada. Inténtelo de nuevo más tarde.")
        }
        RefusalReason::BodyTooLarge => {
            ("Esto es demasiado grande", "Lo que envió es demasiado grande para confirmarlo. No se ha hecho nada.")
        }
        RefusalReason::BodyUnreadable => {
            ("Esto no se pudo leer", "Lo que envió no llegó completo. No se ha hecho nada.")
        }
        RefusalReason::BodyTooSlow => ("Esto tardó demasiado", "Lo que envió no llegó a tiempo. No se ha hecho nada."),
        RefusalReason::InvalidTarget => ("Esta dirección no sirve", "No se ha hecho nada."),
        RefusalReason::Prefetch => {
            ("Aún no se ha pedido", "El navegador lo pidió por adelantado. No se ha hecho nada.")
        }
        RefusalReason::InvalidCallback => {
            ("Este enlace está incompleto", "No parece uno de los de la página de confirmación.")
        }
        RefusalReason::InvalidToken => {
            ("Esto no se pudo confirmar", "La prueba recibida no se pudo leer. No se ha hecho nada.")
        }
        RefusalReason::UnknownFlow => (
            "Esto ha caducado",
            "Tardó demasiado, o se empezó en otro navegador. No se ha hecho nada: empiece de nuevo donde estaba.",
        ),
        RefusalReason::OtherUser => (
            "Esto es de otra sesión",
            "Lo empezó otra persona, o usted antes de iniciar sesión de nuevo. No se ha hecho nada.",
        ),
        RefusalReason::CrossSite => (
            "Esto no se puede hacer desde aquí",
            "Venía de una página de otro sitio. No se ha hecho nada: empiece de nuevo en este.",
        ),
        RefusalReason::OtherHost => (
            "Use nuestra dirección principal",
            "Aquí no se ha hecho nada: abra nuestra dirección principal y empiece de nuevo allí.",
        ),
        RefusalReason::AlreadyDone => (
            "Ya entregado",
            "Esto se confirmó y se entregó hace un momento, y no dos veces. Compruebe si se hizo antes de enviarlo de nuevo.",
        ),
        RefusalReason::OverBudget(Budget::Challenges) => (
            "Demasiado a la vez",
            "Ha empezado esto varias veces sin confirmarlo. No se ha hecho nada: confirme una de ellas o inténtelo de nuevo \
             en unos minutos.",
        ),
        RefusalReason::OverBudget(Budget::Refusals) => (
            "Espere un poco",
            "Esto se ha rechazado varias veces. No se ha hecho nada: inténtelo de nuevo en unos minutos.",
        ),
        RefusalReason::OverBudget(Budget::PendingFlows) => (
            "Demasiado a la vez",
            "Ha empezado muchas cosas sin confirmarlas. No se ha hecho nada: confirme una de ellas o inténtelo de nuevo en \
             unos minutos.",
        ),
        RefusalReason::OverBudget(Budget::Validates) => (
            "Demasiados intentos",
            "Esto se intentó muchas veces sin una prueba. No se ha hecho nada: empiece de nuevo donde estaba en unos minutos.",
        ),
        RefusalReason::BodyUnsupported => {
            ("Esto no se puede leer", "Lo que envió tiene un formato que aquí no se lee. No se ha hecho nada.")
        }
        RefusalReason::BodyMalformed(_) => {
            ("Esto no está claro", "Lo que envió se puede leer de varias maneras. No se ha hecho nada.")
        }
        RefusalReason::BodyInvalid(_) => {
            ("Esto no está completo", "Falta algo en lo que envió, o algo no encaja. No se ha hecho nada.")
        }
        RefusalReason::MethodsNotOffered
        | RefusalReason::DataConflict
        | RefusalReason::CallbackGuarded
        | RefusalReason::Unguarded => (
            "Esto no se puede confirmar",
            "No se ha hecho nada. Avise, por favor, a quienes gestionan esta aplicación.",
        ),
        RefusalReason::NoPerson => (
            "Esto no se puede hacer por otra persona",
            "Tiene que hacerlo la persona a quien pertenece la cuenta. No se ha hecho nada.",
        ),
        RefusalReason::Unproven(Unproven::Expired) => {
            ("Esto ha caducado", "Tardó demasiado. No se ha hecho nada: empiece de nuevo donde estaba.")
        }
        RefusalReason::Unproven(Unproven::Method) => (
            "Confírmelo de otra forma",
            "Se confirmó, pero de una forma que no basta para esto. No se ha hecho nada: inténtelo de nuevo y elija otra forma.",
        ),
        RefusalReason::Unproven(Unproven::Age) => (
            "Confírmelo una vez más",
            "Se confirmó hace demasiado tiempo para esto. No se ha hecho nada: inténtelo de nuevo y vuelva a confirmarlo.",
        ),
        RefusalReason::Unproven(_) => ("Esto no se pudo confirmar", "La prueba no era para esto. No se ha hecho nada."),
    }
}

fn method(method: &VerificationMethod) -> &str {
    match method {
        VerificationMethod::Sms => "código por SMS",
        VerificationMethod::EmailOtp => "código por correo",
        VerificationMethod::EmailMagicLink => "enlace por correo",
        VerificationMethod::AuthenticatorApp => "aplicación de autenticación",
        VerificationMethod::Passkey => "clave de acceso",
        VerificationMethod::SecurityKey => "llave de seguridad",
        VerificationMethod::Push => "mensaje en la aplicación",
        VerificationMethod::Veriff => "verificación de identidad (Veriff)",
        VerificationMethod::Iproov => "verificación facial (iProov)",
        VerificationMethod::Idverse => "verificación de identidad (IDVerse)",
        VerificationMethod::Device => "este dispositivo",
        VerificationMethod::PalmBiometricsRr => "escaneo de la palma",
        VerificationMethod::RecoveryCode => "código de recuperación",
        VerificationMethod::Whatsapp => "código por WhatsApp",
        VerificationMethod::QrCode => "código QR",
        VerificationMethod::InApp => "confirmación en la aplicación",
        VerificationMethod::Onfido => "verificación de identidad (Onfido)",
        VerificationMethod::AppleIdToken => "inicio de sesión con Apple",
        VerificationMethod::GoogleIdToken => "inicio de sesión con Google",
        VerificationMethod::DigitalCredential => "credencial digital",
        VerificationMethod::OidcProvider => "inicio de sesión con otra cuenta",
        other => other.as_str(),
    }
}
