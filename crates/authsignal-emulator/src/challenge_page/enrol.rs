//! Enrolling a method: a first one, or one more from the settings.
use authsignal_client::VerificationMethod as Method;

use crate::challenge_page::format::in_groups;
use crate::challenge_page::qr;
use crate::challenge_page::scene::{Address, AppSetup, Begin, Choice, Choices, Code, Drawn, Scene, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::credentials::totp::App;
use crate::db::Db;
use crate::db::proof::Aim;
use crate::db::user::AuthenticatorKind;
use crate::verification::webauthn::Ceremony;

impl Visit<'_> {
    /// A first method, which proves the action as well.
    pub(super) fn draw_enrolment(&self, db: &Db, begun: Option<&Ceremony>) -> Drawn {
        let words = self.words;
        let offered = self.enrollable(db, Task::Enrol);
        let method = self.params.method();
        let mut drawn = if offered.contains(&method) {
            let mut drawn = self.draw_new(db, Task::Enrol, &method, begun);
            drawn.ways.push(Way::Link { label: words.use_another, href: self.carried.link("") });
            drawn
        } else {
            self.draw_offered(&offered, words.choose_first)
        };
        drawn.eyebrow = words.set_up;
        drawn.ways.push(Way::Quit(if self.carried.force { words.cancel } else { words.not_now }));
        drawn
    }

    /// The methods to choose from.
    pub(super) fn draw_offered(&self, offered: &[Method], intro: &'static str) -> Drawn {
        let choice = |method: &Method| {
            let (name, hint) = self.words.method(method);
            Choice { href: self.carried.link(method.as_str()), name, hint: hint.to_owned() }
        };
        let choices = offered.iter().map(choice).collect();
        Drawn::new(self.words.set_up, Scene::Choices(Choices { intro, choices }))
    }

    /// A method that is being enrolled, as far as that has got.
    pub(super) fn draw_new(&self, db: &Db, task: Task, method: &Method, begun: Option<&Ceremony>) -> Drawn {
        let mut drawn = match method {
            Method::AuthenticatorApp => self.draw_new_app(db, task),
            Method::EmailOtp | Method::EmailMagicLink | Method::Sms | Method::Whatsapp => {
                let asks_again = self.params.change == "1" || self.params.step == "address";
                if asks_again || self.enrolling(db, task, method).is_none() {
                    self.draw_address(db, task, method)
                } else {
                    let words = self.words;
                    let mut drawn = self.draw_sent(db, task, method, None);
                    let by_mail = matches!(method, Method::EmailOtp | Method::EmailMagicLink);
                    let label = if by_mail { words.change_address } else { words.change_number };
                    let href = self.carried.link_with(method.as_str(), &[("change", "1")]);
                    drawn.ways.push(Way::Link { label, href });
                    drawn
                }
            }
            Method::Push | Method::QrCode => self.draw_phone_setup(db, method),
            _ => self.draw_key(db, task, method, begun),
        };
        drawn.view = method.as_str().to_owned();
        drawn
    }

    fn draw_address(&self, db: &Db, task: Task, method: &Method) -> Drawn {
        let (words, params) = (self.words, self.params);
        let user = self.user(db);
        let begun = self.enrolling(db, task, method).and_then(AuthenticatorKind::address);
        let is_email = matches!(method, Method::EmailOtp | Method::EmailMagicLink);
        let (entered, known) = match is_email {
            true => (&params.email, user.and_then(|user| user.email.as_deref())),
            false => (&params.phone, user.and_then(|user| user.phone_number.as_deref())),
        };
        let value = if entered.is_empty() { begun.or(known).unwrap_or_default() } else { entered };
        let (intro, button) = match method {
            Method::EmailMagicLink => (words.address_gets_link, words.send_link),
            Method::EmailOtp => (words.address_gets_code, words.send_code),
            Method::Whatsapp => (words.number_gets_whatsapp, words.send_code),
            _ => (words.number_gets_code, words.send_code),
        };
        let address = Address { intro, is_email, value: value.to_owned(), button };
        Drawn::new(words.set_up, Scene::Address(address))
    }

    /// Begins to enrol an app.
    pub(super) fn begin_app(&self) {
        let user = self.id().user.as_str();
        let email = self.user(&self.shared.db()).and_then(|user| user.email.clone());
        let app = App::generate(email.as_deref().unwrap_or(user));
        self.enrol(AuthenticatorKind::App { app, last_step: None });
    }

    /// The app that is being enrolled. One that was begun stays the same when the page is loaded again.
    fn draw_new_app(&self, db: &Db, task: Task) -> Drawn {
        let words = self.words;
        let app = match self.enrolling(db, task, &Method::AuthenticatorApp) {
            Some(AuthenticatorKind::App { app, .. }) => Some(app),
            _ => None,
        };
        let setup =
            app.map(|app| AppSetup { qr: qr::svg(&app.uri(), words.app_image), secret: in_groups(&app.secret()) });
        let code = Code { intro: words.app_scan.into(), setup, label: words.app_label, is_digits: true };
        let mut drawn = Drawn::new(words.set_up, Scene::Code(code));
        drawn.panel = self.app_panel(db, Aim::Enrol);
        if app.is_none() {
            drawn.wants = Some(Begin { aim: Aim::Enrol, method: Method::AuthenticatorApp, item: None });
        }
        drawn
    }
}
