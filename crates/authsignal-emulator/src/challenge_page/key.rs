//! Passkeys and security keys: the browser's own ceremony.
use authsignal_client::VerificationMethod as Method;
use axum::response::Response;
use serde_json::Value;

use crate::challenge_page::params::{Carried, Mode};
use crate::challenge_page::scene::{Begin, Drawn, KeyPrompt, Panel, Scene};
use crate::challenge_page::visit::{Task, Visit};
use crate::credentials::webauthn::LOCALHOST;
use crate::credentials::webauthn::error::KeyKind;
use crate::db::Db;
use crate::db::proof::{Aim, Proved};
use crate::http::user_agent::name as name_of_browser;
use crate::verification::VerificationError;
use crate::verification::webauthn::{Ceremony, Made, NotSigned, Wanted};

impl Visit<'_> {
    /// A ceremony. It begins anew with every page, and so does what the browser is given.
    pub(super) fn draw_key(&self, db: &Db, task: Task, method: &Method, begun: Option<&Ceremony>) -> Drawn {
        let words = self.words;
        let is_new = task != Task::Prove;
        let (intro, button) = match (method, is_new) {
            (Method::Passkey, false) => (words.passkey_ask, words.passkey_use),
            (Method::Passkey, true) => (words.passkey_new, words.passkey_create),
            (_, false) => (words.key_ask, words.key_use),
            (_, true) => (words.key_new, words.key_create),
        };
        if self.is_at_an_address && self.shared.relying_party.id() == LOCALHOST {
            return self.draw_key_elsewhere(db, method);
        }
        let key = KeyPrompt {
            intro,
            button,
            does: if is_new { "create" } else { "get" },
            options: begun.map(|begun| begun.options.to_string()),
            challenge: begun.map(|begun| begun.challenge.clone()).unwrap_or_default(),
        };
        let mut drawn = Drawn::new(words.confirm_its_you, Scene::Key(key));
        if begun.is_none() {
            drawn.wants = Some(Begin { aim: task.aim_of_view(), method: method.clone(), item: None });
        }
        drawn
    }

    /// Browsers have no passkeys at an address. A page that replaced the application's can hop to `localhost`; a popup's
    /// messages count only from the origin that it was opened with, so it waits for a tab beside it.
    fn draw_key_elsewhere(&self, db: &Db, method: &Method) -> Drawn {
        let words = self.words;
        let wait = self.wait(db, method, words.key_elsewhere.into(), None, words.i_have_done_it);
        let mut drawn = Drawn::new(words.confirm_its_you, Scene::Wait(wait));
        if !self.carried.is_popup() {
            drawn.hop = self.on_localhost(&self.carried, method);
            return drawn;
        }
        let beside = Carried { mode: Mode::Beside, ..self.carried.clone() };
        let mut panel = Panel::new(words.localhost_why.into(), "");
        panel.link = self.on_localhost(&beside, method).map(|link| (words.localhost_open, link));
        drawn.panel = Some(panel);
        drawn
    }

    /// Begins to make a key, or to ask for one.
    pub(super) fn begin_ceremony(&self, task: Task, method: &Method) -> Result<Ceremony, VerificationError> {
        let kind = kind(method).ok_or(VerificationError::NotAsked)?;
        let begun = match task.aim() {
            Some(Aim::Prove) => self.shared.begin_authentication(Some(self.id()), kind, None),
            _ => self.shared.begin_registration(self.id(), self.scope(task), kind, Wanted::default()),
        };
        begun.map_err(|why| match why {
            NotSigned::NoProof(fault) => fault,
            _ => VerificationError::NotAsked,
        })
    }

    /// Takes what the browser gave.
    pub(super) async fn take_credential(&self) -> Response {
        let method = self.params.method();
        let (task, Some(aim)) = self.aim() else { return self.see("") };
        let Some(kind) = kind(&method) else { return self.see("") };
        let refused = || self.show(Some(self.words.key_refused.to_owned()));
        let Ok(answer) = serde_json::from_str::<Value>(&self.params.credential) else { return refused().await };
        let challenge = Some(self.params.challenge.as_str());
        let signed = if aim == Aim::Prove {
            let signed = self.shared.finish_authentication(Some(self.id()), kind, challenge, &answer, None).await;
            signed.map(|_| Proved::default())
        } else {
            let otherwise = if method == Method::Passkey { "Passkey" } else { "Security key" };
            let made = Made { name: name_of_browser(&self.user_agent, otherwise), device_id: None };
            self.shared.finish_registration(self.id(), self.scope(task), kind, challenge, &answer, made).await
        };
        match signed {
            Ok(proved) => self.proved(task, proved),
            Err(NotSigned::Refused(_) | NotSigned::NotBegun) => refused().await,
            Err(NotSigned::NotEnrollable(_) | NotSigned::NoProof(VerificationError::NotAsked)) => self.see(""),
            Err(NotSigned::NoProof(fault)) => self.show(Some(self.in_words(&fault))).await,
        }
    }
}

fn kind(method: &Method) -> Option<KeyKind> {
    match method {
        Method::Passkey => Some(KeyKind::Passkey),
        Method::SecurityKey => Some(KeyKind::SecurityKey),
        _ => None,
    }
}
