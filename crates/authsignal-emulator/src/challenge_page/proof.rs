//! Proving an action with a method that is enrolled.
use authsignal_client::VerificationMethod as Method;

use crate::challenge_page::method::{Asked, told_apart};
use crate::challenge_page::scene::{Choice, Choices, Code, Drawn, End, Panel, Scene, Tone, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::challenge_page::words::text::Text;
use crate::db::Db;
use crate::db::proof::{Aim, Attempt};
use crate::db::user::AuthenticatorKind;
use crate::verification::webauthn::Ceremony;

/// The view in which one of several methods is chosen.
const METHODS: &str = "methods";

impl Visit<'_> {
    pub(super) fn draw_proof(&self, db: &Db, begun: Option<&Ceremony>) -> Drawn {
        let asked = self.askable(db);
        let words = self.words;
        let has_codes = self.user(db).is_some_and(|user| !user.recovery_codes.is_empty());
        let wants_codes = self.params.method() == Method::RecoveryCode || asked.is_empty();
        let mut drawn = if self.params.view == METHODS && asked.len() > 1 {
            self.draw_choices(db, &asked)
        } else if has_codes && wants_codes {
            self.draw_recovery(db)
        } else if let Some(chosen) = self.chosen(db, &asked) {
            self.draw_asked(db, &chosen, begun)
        } else {
            let text = words.takes_another.to_owned();
            return Drawn::new(
                words.not_possible,
                Scene::End(End { text, tone: Tone::Bad, way_on: Some(words.go_back) }),
            );
        };
        let is_recovery = drawn.view == Method::RecoveryCode.as_str();
        let others = if is_recovery { !asked.is_empty() } else { asked.len() > 1 };
        if others && !matches!(drawn.scene, Scene::Choices(_)) {
            let view = if asked.len() > 1 { METHODS } else { "" };
            drawn.ways.push(Way::Link { label: words.use_another, href: self.carried.link(view) });
        }
        if has_codes && !is_recovery {
            let href = self.carried.link(Method::RecoveryCode.as_str());
            drawn.ways.push(Way::Link { label: words.lost_access, href });
        }
        drawn.ways.push(Way::Quit(words.cancel));
        drawn
    }

    /// What the link asks for, if the user has it; else what is asked for already; else the default.
    fn chosen(&self, db: &Db, asked: &[Asked]) -> Option<Asked> {
        let wanted = self.params.method();
        let underway = db.live(self.id(), &wanted, self.now).and_then(|begun| begun.authenticator.as_deref());
        let item = self.params.item().or(underway);
        let exact = asked.iter().find(|(method, known)| *method == wanted && known.as_deref() == item);
        let found = exact.or_else(|| asked.iter().find(|(method, _)| *method == wanted));
        found.or(asked.first()).cloned()
    }

    fn draw_asked(&self, db: &Db, (method, item): &Asked, begun: Option<&Ceremony>) -> Drawn {
        let mut drawn = match method {
            Method::AuthenticatorApp => self.draw_app(db),
            Method::EmailOtp | Method::EmailMagicLink | Method::Sms | Method::Whatsapp => {
                self.draw_sent(db, Task::Prove, method, item.as_deref())
            }
            Method::Push | Method::QrCode => self.draw_phone(db, method, item.as_deref()),
            _ => self.draw_key(db, Task::Prove, method, begun),
        };
        drawn.view = method.as_str().to_owned();
        drawn.item = item.clone().unwrap_or_default();
        drawn
    }

    fn draw_choices(&self, db: &Db, asked: &[Asked]) -> Drawn {
        let choice = |(method, item): &Asked| {
            let (name, hint) = self.words.method(method);
            let known = item.as_deref().and_then(|item| self.user(db)?.authenticator(item));
            let own = known.and_then(told_apart);
            let href = self.carried.link_with(method.as_str(), &[("item", item.as_deref().unwrap_or_default())]);
            Choice { href, name, hint: own.unwrap_or_else(|| hint.to_owned()) }
        };
        let choices = asked.iter().map(choice).collect();
        let scene = Scene::Choices(Choices { intro: self.words.choose, choices });
        Drawn::new(self.words.confirm_its_you, scene)
    }

    fn draw_app(&self, db: &Db) -> Drawn {
        let words = self.words;
        let code = Code { intro: words.app_ask.into(), setup: None, label: words.app_label, is_digits: true };
        let mut drawn = Drawn::new(words.confirm_its_you, Scene::Code(code));
        drawn.panel = self.app_panel(db, Aim::Prove);
        drawn
    }

    fn draw_recovery(&self, db: &Db) -> Drawn {
        let words = self.words;
        let code =
            Code { intro: words.recovery_ask.into(), setup: None, label: words.recovery_label, is_digits: false };
        let mut drawn = Drawn::new(words.confirm_its_you, Scene::Code(code));
        drawn.view = Method::RecoveryCode.as_str().to_owned();
        let known = self.user(db).map(|user| user.recovery_codes.as_slice()).unwrap_or_default();
        drawn.panel = known.first().map(|first| {
            let left = words.recovery_left.replace("{number}", &known.len().to_string());
            Panel { shown: Some(first.clone()), ..Panel::new(words.recovery_shown.into(), left) }
        });
        drawn
    }

    /// What the user's app shows now.
    pub(super) fn app_panel(&self, db: &Db, aim: Aim) -> Option<Panel> {
        let task = self.task(db);
        let known = db.usable(Attempt::new(self.id(), self.scope(task), aim, &Method::AuthenticatorApp), None)?;
        let AuthenticatorKind::App { app, .. } = &known.kind else { return None };
        let words = self.words;
        let time = words.lasting(std::time::Duration::from_secs(app.seconds_left(self.now)));
        let intro = Text::new(words.app_shows, &[("time", &time)]);
        Some(Panel { shown: Some(app.code(self.now)), ..Panel::new(intro, words.app_really) })
    }
}
