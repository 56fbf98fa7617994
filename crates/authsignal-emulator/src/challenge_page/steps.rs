//! What the page's forms do.
use authsignal_client::VerificationMethod as Method;
use axum::response::Response;

use crate::challenge_page::format;
use crate::challenge_page::respond::see;
use crate::challenge_page::visit::{Task, Visit};
use crate::db::challenge::Challenge;
use crate::db::proof::{Aim, Proof, Proved};
use crate::db::user::AuthenticatorKind;
use crate::verification::VerificationError;

impl Visit<'_> {
    pub(super) async fn act(&self) -> Response {
        match self.params.step.as_str() {
            "verify" => self.prove(Proof::Code(&self.params.code)).await,
            "send" => self.send_again().await,
            "address" => self.take_address().await,
            "credential" => self.take_credential().await,
            "wait" => self.wait_on().await,
            "phone" => self.press().await,
            "default" => self.make_default(),
            "remove" => self.remove(),
            "decline" => {
                self.shared.db().decline(self.id(), self.now);
                self.leave()
            }
            "expire" => {
                self.shared.tokens.expire(&self.carried.token, self.now);
                self.see("")
            }
            "on" => self.go_on(),
            "quit" => self.leave(),
            _ => self.see(""),
        }
    }

    pub(super) fn aim(&self) -> (Task, Option<Aim>) {
        let task = self.task(&self.shared.db());
        (task, task.aim())
    }

    pub(super) async fn prove(&self, proof: Proof<'_>) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.see("") };
        match self.shared.prove(self.attempt(task, aim, &self.params.method()), proof).await {
            Ok(proved) => self.proved(task, proved),
            Err(VerificationError::NotAsked) => self.see(""),
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    async fn send_again(&self) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.see("") };
        let method = self.params.method();
        let attempt = self.attempt(task, aim, &method);
        let sent = match method {
            Method::Push | Method::QrCode => self.ask_phone(&method, self.params.item()).await,
            _ => self.shared.send(attempt, self.params.item()).await.map(drop),
        };
        match sent {
            Ok(()) | Err(VerificationError::NotAsked) => {
                let more = [("item", self.params.item.as_str()), ("told", "sent")];
                see(&self.carried.link_with(&self.params.view, &more))
            }
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    async fn take_address(&self) -> Response {
        let (words, method) = (self.words, self.params.method());
        let (address, problem) = match method {
            Method::EmailOtp | Method::EmailMagicLink => (format::email(&self.params.email), words.bad_email),
            _ => (format::number(&self.params.phone), words.bad_number),
        };
        let Some(address) = address else { return self.show(Some(problem.to_owned())).await };
        let kind = match method {
            Method::EmailOtp => AuthenticatorKind::EmailOtp(address),
            Method::EmailMagicLink => AuthenticatorKind::EmailMagicLink(address),
            Method::Sms => AuthenticatorKind::Sms(address),
            Method::Whatsapp => AuthenticatorKind::Whatsapp(address),
            _ => return self.see(""),
        };
        let Some(task) = self.enrol(kind) else { return self.see("") };
        match self.shared.send(self.attempt(task, Aim::Enrol, &method), None).await {
            Ok(_) | Err(VerificationError::NotAsked) => self.see(method.as_str()),
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    /// Begins to enrol a method, if that is what the user is here for.
    pub(super) fn enrol(&self, kind: AuthenticatorKind) -> Option<Task> {
        let task = self.task(&self.shared.db());
        let begun =
            task.aim() == Some(Aim::Enrol) && self.shared.begin_enrolment(self.id(), self.scope(task), kind).is_ok();
        begun.then_some(task)
    }

    /// The user says, or the script has seen, that it has happened.
    async fn wait_on(&self) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.proved_elsewhere() };
        let method = self.params.method();
        match self.shared.finish_link(self.attempt(task, aim, &method)).await {
            Ok(Some(proved)) => return self.proved(task, proved),
            Ok(None) => {}
            Err(VerificationError::NotAsked) => return self.see(""),
            Err(fault) => return self.show(Some(self.in_words(&fault))).await,
        }
        let is_about_a_new_one = task != Task::Prove && method != Method::EmailMagicLink;
        let seen = self.seen(&self.shared.db(), &method);
        if self.params.since != seen {
            // Something else has: a code was scanned, a phone was set up, a link ran out.
            let more = [("item", self.params.item.as_str())];
            let view = if is_about_a_new_one { "" } else { self.params.view.as_str() };
            return see(&self.carried.link_with(view, &more));
        }
        let words = self.words;
        let problem = match method {
            Method::EmailMagicLink => words.link_unopened,
            Method::Push | Method::QrCode if is_about_a_new_one => words.phone_missing,
            Method::Push | Method::QrCode => words.phone_unanswered,
            _ => words.key_missing,
        };
        self.show(Some(problem.to_owned())).await
    }

    /// Nothing is asked for any more: a phone has answered, or a tab beside this one was faster.
    fn proved_elsewhere(&self) -> Response {
        let (task, is_approved) = {
            let db = self.shared.db();
            let asked = db.challenges.get(&self.params.challenge);
            (self.task(&db), asked.and_then(Challenge::approved) == Some(true))
        };
        match task {
            Task::Closed => self.see(""),
            _ if is_approved && self.has_asked(&self.params.challenge) => self.proved(Task::Prove, Proved::default()),
            _ => self.go_on(),
        }
    }

    pub(super) fn in_words(&self, fault: &VerificationError) -> String {
        let words = self.words;
        match fault {
            VerificationError::Wrong => words.wrong_code.to_owned(),
            VerificationError::TooManyGuesses => words.too_many_guesses.to_owned(),
            VerificationError::TooManyMessages(wait) => {
                words.too_many_messages.replace("{wait}", &words.lasting(*wait))
            }
            VerificationError::NotSent => words.not_sent.to_owned(),
            VerificationError::Vetoed => words.vetoed.to_owned(),
            VerificationError::NotAsked => words.not_asked.to_owned(),
        }
    }
}
