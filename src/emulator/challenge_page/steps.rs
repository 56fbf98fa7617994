//! What the page's forms do.
use axum::response::Response;

use crate::client::VerificationMethod as Method;
use crate::emulator::challenge_page::format;
use crate::emulator::challenge_page::respond::see;
use crate::emulator::challenge_page::visit::{Task, Visit};
use crate::emulator::db::challenge::Challenge;
use crate::emulator::db::proof::{Aim, Proof, Proved};
use crate::emulator::db::user::Kind;
use crate::emulator::verification::Fault;

impl Visit<'_> {
    pub(super) async fn act(&self) -> Response {
        match self.said.step.as_str() {
            "verify" => self.prove(Proof::Code(&self.said.code)).await,
            "send" => self.send_again().await,
            "address" => self.take_address().await,
            "credential" => self.take_credential().await,
            "wait" => self.wait_on().await,
            "phone" => self.press().await,
            "default" => self.make_default(),
            "remove" => self.remove(),
            "decline" => {
                self.shared.world().decline(self.id(), self.now);
                self.leave()
            }
            "on" => self.go_on(),
            "quit" => self.leave(),
            _ => self.see(""),
        }
    }

    pub(super) fn aim(&self) -> (Task, Option<Aim>) {
        let task = self.task(&self.shared.world());
        (task, task.aim())
    }

    pub(super) async fn prove(&self, proof: Proof<'_>) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.see("") };
        match self.shared.prove(self.attempt(task, aim, &self.said.method()), proof).await {
            Ok(proved) => self.proved(task, proved),
            Err(Fault::NotAsked) => self.see(""),
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    async fn send_again(&self) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.see("") };
        let method = self.said.method();
        let attempt = self.attempt(task, aim, &method);
        let sent = match method {
            Method::Push | Method::QrCode => self.ask_phone(&method, self.said.item()).await,
            _ => self.shared.send(attempt, self.said.item()).await.map(drop),
        };
        match sent {
            Ok(()) | Err(Fault::NotAsked) => {
                let more = [("item", self.said.item.as_str()), ("told", "sent")];
                see(&self.carried.link_with(&self.said.view, &more))
            }
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    async fn take_address(&self) -> Response {
        let (words, method) = (self.words, self.said.method());
        let (address, problem) = match method {
            Method::EmailOtp | Method::EmailMagicLink => (format::email(&self.said.email), words.bad_email),
            _ => (format::number(&self.said.phone), words.bad_number),
        };
        let Some(address) = address else { return self.show(Some(problem.to_owned())).await };
        let kind = match method {
            Method::EmailOtp => Kind::EmailOtp(address),
            Method::EmailMagicLink => Kind::EmailMagicLink(address),
            Method::Sms => Kind::Sms(address),
            Method::Whatsapp => Kind::Whatsapp(address),
            _ => return self.see(""),
        };
        let Some(task) = self.enrol(kind) else { return self.see("") };
        match self.shared.send(self.attempt(task, Aim::Enrol, &method), None).await {
            Ok(_) | Err(Fault::NotAsked) => self.see(method.as_str()),
            Err(fault) => self.show(Some(self.in_words(&fault))).await,
        }
    }

    /// Begins to enrol a method, if that is what the user is here for.
    pub(super) fn enrol(&self, kind: Kind) -> Option<Task> {
        let task = self.task(&self.shared.world());
        let begun =
            task.aim() == Some(Aim::Enrol) && self.shared.begin_enrolment(self.id(), self.scope(task), kind).is_ok();
        begun.then_some(task)
    }

    /// The user says, or the script has seen, that it has happened.
    async fn wait_on(&self) -> Response {
        let (task, Some(aim)) = self.aim() else { return self.proved_elsewhere() };
        let method = self.said.method();
        match self.shared.finish_link(self.attempt(task, aim, &method)).await {
            Ok(Some(proved)) => return self.proved(task, proved),
            Ok(None) => {}
            Err(Fault::NotAsked) => return self.see(""),
            Err(fault) => return self.show(Some(self.in_words(&fault))).await,
        }
        let is_about_a_new_one = task != Task::Prove && method != Method::EmailMagicLink;
        let seen = self.seen(&self.shared.world(), &method);
        if self.said.since != seen {
            // Something else has: a code was scanned, a phone was set up, a link ran out.
            let more = [("item", self.said.item.as_str())];
            let view = if is_about_a_new_one { "" } else { self.said.view.as_str() };
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
            let world = self.shared.world();
            let asked = world.challenges.get(&self.said.challenge);
            (self.task(&world), asked.and_then(Challenge::approved) == Some(true))
        };
        match task {
            Task::Closed => self.see(""),
            _ if is_approved && self.has_asked(&self.said.challenge) => self.proved(Task::Prove, Proved::default()),
            _ => self.go_on(),
        }
    }

    pub(super) fn in_words(&self, fault: &Fault) -> String {
        let words = self.words;
        match fault {
            Fault::Wrong => words.wrong_code.to_owned(),
            Fault::TooManyGuesses => words.too_many_guesses.to_owned(),
            Fault::TooManyMessages(wait) => words.too_many_messages.replace("{wait}", &words.lasting(*wait)),
            Fault::NotSent => words.not_sent.to_owned(),
            Fault::Vetoed => words.vetoed.to_owned(),
            Fault::NotAsked => words.not_asked.to_owned(),
        }
    }
}
