//! Phones: a push message to approve, a QR code to scan and approve. The emulator's panel is the phone.
use authsignal_client::{UserId, VerificationMethod as Method};
use axum::response::Response;

use crate::challenge_page::format::in_words;
use crate::challenge_page::qr;
use crate::challenge_page::scene::{Begin, Drawn, Panel, Press, Scene, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::challenge_page::words::text::Text;
use crate::db::Db;
use crate::db::action::ActionId;
use crate::db::challenge::Context;
use crate::db::proof::{Aim, Attempt, Proof, Proved};
use crate::db::user::{AuthenticatorKind, Phone};
use crate::verification::VerificationError;
use crate::verification::phones::PhoneUser;

impl Visit<'_> {
    /// Asks the user's phone.
    pub(super) async fn ask_phone(&self, method: &Method, item: Option<&str>) -> Result<(), VerificationError> {
        if *method == Method::QrCode {
            let ActionId { user, action, key } = self.id();
            let context = Context { custom: self.token_context.record.custom.clone(), ..Context::default() };
            self.shared.show_qr_code(Some(user), action, Some(key), context);
        } else {
            self.shared.push(self.id(), item).await?;
        }
        Ok(())
    }

    /// A phone that is asked.
    pub(super) fn draw_phone(&self, db: &Db, method: &Method, item: Option<&str>) -> Drawn {
        let words = self.words;
        let asked = db
            .live(self.id(), method, self.now)
            .filter(|asked| item.is_none() || asked.authenticator.as_deref() == item);
        let is_qr = *method == Method::QrCode;
        let is_scanned = asked.is_some_and(|asked| asked.claimed_by.is_some());
        let phone = db.usable(Attempt::new(self.id(), self.scope(Task::Prove), Aim::Prove, method), item);
        let phone = phone.and_then(|known| known.kind.phone()).map(|phone| phone.name.as_str()).unwrap_or_default();
        let (intro, image) = match asked {
            Some(_) if is_qr && is_scanned => (words.qr_scanned.into(), None),
            Some(asked) if is_qr => (words.qr_ask.into(), Some(qr::svg(&asked.id, words.qr_image))),
            _ if is_qr => (words.qr_ask.into(), None),
            _ => (Text::new(words.push_sent, &[("*to", phone)]), None),
        };
        let scene = Scene::Wait(self.wait(db, method, intro, image, words.i_have_done_it));
        let mut drawn = Drawn::new(words.confirm_its_you, scene);
        drawn.ways.push(Way::Again(if is_qr { words.qr_again } else { words.push_again }));
        if asked.is_some() {
            drawn.panel = Some(self.phone_panel(phone, is_qr && !is_scanned));
        } else {
            drawn.wants = Some(Begin { aim: Aim::Prove, method: method.clone(), item: item.map(str::to_owned) });
        }
        drawn
    }

    fn phone_panel(&self, phone: &str, has_to_scan: bool) -> Panel {
        let words = self.words;
        let values = [("phone", phone), ("*action", &in_words(self.id().action.as_str()))];
        let mut panel = Panel::new(Text::new(words.phone_asks, &values), words.phone_asked_really);
        if has_to_scan {
            panel.intro = words.phone_new.into();
            panel.user = Some((words.scan_as, self.id().user.to_string()));
            panel.buttons = vec![Press { label: words.scan, answer: "scan" }];
        } else {
            let answers = [(words.approve, "approve"), (words.decline, "decline")];
            panel.buttons = answers.map(|(label, answer)| Press { label, answer }).into();
        }
        panel
    }

    /// A phone that is to be set up.
    pub(super) fn draw_phone_setup(&self, db: &Db, method: &Method) -> Drawn {
        let words = self.words;
        let wait = self.wait(db, method, words.phone_set_up.into(), None, words.i_have_done_it);
        let mut drawn = Drawn::new(words.set_up, Scene::Wait(wait));
        let mut panel = Panel::new(words.phone_new.into(), words.phone_asked_really);
        panel.buttons = vec![Press { label: words.phone_pair, answer: "pair" }];
        drawn.panel = Some(panel);
        drawn
    }

    /// A button of the emulator's phone.
    pub(super) async fn press(&self) -> Response {
        let challenge = self.params.challenge.as_str();
        let by = PhoneUser { user: Some(&self.id().user), authenticator: None };
        match self.params.answer.as_str() {
            "pair" => self.pair().await,
            // What another page asked for is answered there.
            _ if !self.has_asked(challenge) => self.see(""),
            "scan" => match UserId::new(self.params.user.trim()).map(|user| self.shared.read_qr_code(challenge, &user))
            {
                Ok(Ok(_)) => self.see(&self.params.view),
                _ => self.show(Some(self.words.qr_stranger.to_owned())).await,
            },
            "approve" => match self.shared.approve(challenge, by).await {
                Ok(()) => self.proved(Task::Prove, Proved::default()),
                Err(VerificationError::NotAsked) => self.see(""),
                Err(fault) => self.show(Some(self.in_words(&fault))).await,
            },
            "decline" => {
                // Somebody else's, or one that is over: the page says how things stand.
                let _ = self.shared.refuse(challenge, by);
                self.see("")
            }
            _ => self.see(""),
        }
    }

    /// Whether a challenge is one of the action that the page is about.
    pub(super) fn has_asked(&self, challenge: &str) -> bool {
        let db = self.shared.db();
        db.challenges.get(challenge).is_some_and(|asked| asked.action_id().as_ref() == Some(self.id()))
    }

    /// Sets up the emulator's phone.
    async fn pair(&self) -> Response {
        let phone = Phone { name: "Emulated phone".to_owned(), ..Phone::default() };
        let kind = match self.params.method() {
            Method::Push => AuthenticatorKind::Push(phone),
            Method::QrCode => AuthenticatorKind::QrCode(phone),
            _ => return self.see(""),
        };
        if self.enrol(kind).is_none() { self.see("") } else { self.prove(Proof::RequestLog).await }
    }
}
