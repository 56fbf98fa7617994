//! Codes and links that are sent to the user.
use authsignal_client::VerificationMethod as Method;

use crate::challenge_page::format::masked;
use crate::challenge_page::params::WAITING;
use crate::challenge_page::scene::{Begin, Code, Drawn, Panel, Scene, Wait, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::challenge_page::words::text::Text;
use crate::db::Db;
use crate::db::challenge::{Challenge, Waiting};
use crate::db::proof::{Aim, Attempt};
use crate::db::user::AuthenticatorKind;

impl Visit<'_> {
    /// A code or a link on its way to the user's method `item`. One that is not sent yet is wanted.
    pub(super) fn draw_sent(&self, db: &Db, task: Task, method: &Method, item: Option<&str>) -> Drawn {
        let words = self.words;
        let aim = task.aim_of_view();
        let scope = self.scope(task);
        let serves = |item: Option<&str>| db.usable(Attempt::new(self.id(), scope, aim, method), item);
        let sent = db.live(self.id(), method, self.now).filter(|sent| {
            let authenticator = sent.authenticator.as_deref();
            (item.is_none() || authenticator == item) && serves(authenticator).is_some()
        });
        let to = sent.and_then(|sent| sent.to.as_deref());
        let to = to.or_else(|| serves(item)?.kind.address()).unwrap_or_default();
        let form = db.policy.code;
        let (digits, ttl) = (form.digits.to_string(), words.lasting(form.ttl));
        let values = [("*to", masked(to)), ("digits", digits), ("time", ttl)];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let (scene, again) = if *method == Method::EmailMagicLink {
            let intro = Text::new(words.link_sent, &values);
            (Scene::Wait(self.wait(db, method, intro, None, words.link_opened)), words.link_again)
        } else {
            let intro = Text::new(words.code_sent, &values);
            let code = Code { intro, setup: None, label: words.code_label, is_digits: true };
            (Scene::Code(code), words.send_again)
        };
        let mut drawn = Drawn::new(words.confirm_its_you, scene);
        drawn.ways.push(Way::Again(again));
        drawn.panel = sent.map(|sent| self.message_panel(sent));
        if sent.is_none() {
            drawn.wants = Some(Begin { aim, method: method.clone(), item: item.map(str::to_owned) });
        }
        drawn
    }

    fn message_panel(&self, sent: &Challenge) -> Panel {
        let words = self.words;
        let intro = Text::new(words.message_to, &[("to", sent.to.as_deref().unwrap_or_default())]);
        match &sent.waiting {
            Waiting::Link { secret, .. } => {
                let link = Some((words.open_link, self.shared.magic_link(&sent.id, secret)));
                Panel { link, ..Panel::new(intro, words.link_really) }
            }
            _ => Panel { shown: sent.code().map(str::to_owned), ..Panel::new(intro, words.sent_really) },
        }
    }

    /// Something that happens elsewhere, and until then.
    pub(super) fn wait(&self, db: &Db, method: &Method, intro: Text, qr: Option<String>, button: &'static str) -> Wait {
        let poll = self.carried.path_with(WAITING, method.as_str(), &[]);
        let challenge = db.live(self.id(), method, self.now).map(|begun| begun.id.clone()).unwrap_or_default();
        Wait { intro, qr, button, since: self.seen(db, method), poll, challenge }
    }

    /// All that can change while a page waits, in short.
    pub(super) fn seen(&self, db: &Db, method: &Method) -> String {
        let methods = self.user(db).map_or(0, |user| user.enrolled().len());
        let challenge = match db.live(self.id(), method, self.now) {
            None => "none",
            Some(Challenge { waiting: Waiting::Link { opened: true, .. }, .. }) => "opened",
            Some(Challenge { claimed_by: Some(_), .. }) => "claimed",
            Some(_) => "open",
        };
        format!("{} {methods} {challenge}", self.state(db))
    }

    /// The kind of the user's method that is being enrolled by `method`, once its address is known.
    pub(super) fn enrolling<'w>(&self, db: &'w Db, task: Task, method: &Method) -> Option<&'w AuthenticatorKind> {
        let known = db.usable(Attempt::new(self.id(), self.scope(task), Aim::Enrol, method), None)?;
        // A number for text messages would serve for WhatsApp as well: that is not the one that was entered for it.
        (known.method() == *method && !known.is_verified()).then_some(&known.kind)
    }
}
