//! What the methods are called, and which of them a user can be asked for.
use authsignal_client::{VerificationMethod as Method, visible};

use crate::challenge_page::format::masked;
use crate::challenge_page::visit::{Task, Visit};
use crate::challenge_page::words::table::Words;
use crate::db::Db;
use crate::db::proof::{Aim, Attempt};
use crate::db::user::{Authenticator, AuthenticatorKind};

impl Words {
    /// A method's name, and what it is like.
    pub(super) fn method(&self, method: &Method) -> (&'static str, &'static str) {
        match method {
            Method::EmailOtp => (self.email_otp, self.email_otp_hint),
            Method::EmailMagicLink => (self.magic_link, self.magic_link_hint),
            Method::Sms => (self.sms, self.sms_hint),
            Method::Whatsapp => (self.whatsapp, self.whatsapp_hint),
            Method::AuthenticatorApp => (self.app, self.app_hint),
            Method::Passkey => (self.passkey, self.passkey_hint),
            Method::SecurityKey => (self.security_key, self.security_key_hint),
            Method::Push => (self.push, self.push_hint),
            Method::QrCode => (self.qr_code, self.qr_code_hint),
            Method::RecoveryCode => (self.recovery_code, ""),
            _ => (self.other_method, ""),
        }
    }
}

/// What tells one of a user's methods from another of its kind.
pub(super) fn told_apart(known: &Authenticator) -> Option<String> {
    let name = match &known.kind {
        AuthenticatorKind::Push(phone) | AuthenticatorKind::QrCode(phone) => {
            Some(phone.name.clone()).filter(|name| !name.is_empty())
        }
        AuthenticatorKind::Passkey(key) | AuthenticatorKind::SecurityKey(key) => Some(key.name.clone()),
        kind => kind.address().map(masked),
    };
    name.map(|name| visible(&name).into_owned())
}

/// The methods that the page can enrol, in the order in which it offers them.
pub(super) const ENROLLABLE: [Method; 9] = [
    Method::EmailOtp,
    Method::EmailMagicLink,
    Method::Sms,
    Method::Whatsapp,
    Method::AuthenticatorApp,
    Method::Passkey,
    Method::SecurityKey,
    Method::Push,
    Method::QrCode,
];

/// Something that the user can be asked for: a method and which one of theirs. Of those that answer for each other, as
/// apps do, there is one without.
pub(super) type Asked = (Method, Option<String>);

impl Visit<'_> {
    /// What the user can be asked for here, the default first.
    pub(super) fn askable(&self, db: &Db) -> Vec<Asked> {
        let Some(user) = self.user(db) else { return Vec::new() };
        let scope = self.scope(Task::Prove);
        let serves = |method: &Method, item: &str| {
            db.usable(Attempt::new(self.id(), scope, Aim::Prove, method), Some(item)).is_some()
        };
        let mut asked: Vec<Asked> = Vec::new();
        for known in user.enrolled() {
            let method = known.method();
            let one_for_all =
                matches!(method, Method::AuthenticatorApp | Method::Passkey | Method::SecurityKey | Method::QrCode);
            let item = (!one_for_all).then(|| known.id.clone());
            if serves(&method, &known.id) && !asked.contains(&(method.clone(), item.clone())) {
                asked.push((method, item));
            }
            // A number for text messages takes codes by WhatsApp too, unless it is set up for them itself.
            if let AuthenticatorKind::Sms(number) = &known.kind
                && serves(&Method::Whatsapp, &known.id)
                && !user
                    .enrolled()
                    .iter()
                    .any(|other| matches!(&other.kind, AuthenticatorKind::Whatsapp(own) if own == number))
            {
                asked.push((Method::Whatsapp, Some(known.id.clone())));
            }
        }
        // What rules or settings ask for first goes before what the user has chosen.
        let first = db.actions.get(self.id()).and_then(|action| action.record.default_method.clone());
        asked.sort_by_key(|(method, _)| Some(method) != first.as_ref());
        asked
    }

    /// What the user may enrol.
    pub(super) fn enrollable(&self, db: &Db, task: Task) -> Vec<Method> {
        let may = |method: &Method| db.enrollable(self.id(), self.scope(task), method).is_ok();
        ENROLLABLE.into_iter().filter(may).collect()
    }
}
