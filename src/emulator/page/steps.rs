//! What the user does on the page, step by step.
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::view::{Carried, Choice, Page, Panel, Say, Scene, Tone, masked, sealed};
use super::{qr, way_back};
use crate::client::{ActionState, VerificationMethod};
use crate::emulator::Shared;
use crate::emulator::deeds::{Attempt, Fault};
use crate::emulator::lifecycle::Ask;
use crate::emulator::tokens::TokenFault;
use crate::emulator::totp::App;
use crate::emulator::world::{ActionId, Aim, Kind, Proof, RecordedAction, Scope, World};

const EMAIL: VerificationMethod = VerificationMethod::EmailOtp;
const SMS: VerificationMethod = VerificationMethod::Sms;
const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;

/// What the URL, or a form, says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    token: String,
    mode: String,
    force_enrollment: String,
    /// What of the page is wanted: a method, `methods`, `address`, or nothing in particular.
    view: String,
    sent: String,
    /// What a form is for.
    step: String,
    code: String,
    email: String,
}

impl Said {
    fn carried(&self) -> Carried {
        Carried { token: self.token.clone(), popup: self.mode == "popup", force: self.force_enrollment == "true" }
    }

    fn method(&self) -> VerificationMethod {
        VerificationMethod::from(self.view.as_str())
    }
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, said: Result<Query<Said>, QueryRejection>) -> Response {
    let Ok(Query(said)) = said else { return not_a_link(Carried::default()) };
    let notice = (said.sent == "1").then_some("We have sent you a new code.");
    render(&shared, &said, None, notice).await
}

pub(super) async fn act(State(shared): State<Arc<Shared>>, said: Result<Form<Said>, FormRejection>) -> Response {
    let Ok(Form(said)) = said else { return not_a_link(Carried::default()) };
    let record = match shared.action_of(&said.token) {
        Ok(record) => record,
        Err(fault) => return broken(said.carried(), fault),
    };
    let id = ActionId::from(&record);
    let now = shared.clock.now();
    match said.step.as_str() {
        "verify" => {
            let aim = aim(&shared.world(), &id);
            let Some(aim) = aim else { return see(&said.carried().link("")) };
            let attempt = Attempt { id: &id, scope: Scope::default(), aim, method: &said.method() };
            let problem = match shared.prove(attempt, Proof::Code(&said.code)).await {
                Ok(_) => return leave(&shared, &record, said.carried()),
                Err(Fault::NotAsked) => return see(&said.carried().link("")),
                Err(fault) => in_words(&fault),
            };
            render(&shared, &said, Some(problem), None).await
        }
        "send" => {
            let aim = aim(&shared.world(), &id);
            if let Some(aim) = aim {
                let attempt = Attempt { id: &id, scope: Scope::default(), aim, method: &said.method() };
                if let Err(fault) = shared.send(attempt, None).await
                    && fault != Fault::NotAsked
                {
                    return render(&shared, &said, Some(in_words(&fault)), None).await;
                }
            }
            see(&format!("{}&sent=1", said.carried().link(&said.view)))
        }
        "address" => {
            let email = said.email.trim();
            if !looks_like_an_address(email) {
                let problem = "Enter an e-mail address, such as ada@example.com.";
                return render(&shared, &said, Some(problem), None).await;
            }
            let begun = {
                let mut world = shared.world();
                let enrols = world.ask(&id) == Some(Ask::Enrolment);
                if enrols {
                    world.user_mut(id.user.as_str(), now).begin(Kind::EmailOtp(email.to_owned()), now);
                }
                enrols
            };
            if begun {
                let attempt = Attempt { id: &id, scope: Scope::default(), aim: Aim::Enrol, method: &EMAIL };
                if let Err(fault) = shared.send(attempt, None).await {
                    return render(&shared, &said, Some(in_words(&fault)), None).await;
                }
            }
            see(&said.carried().link(EMAIL.as_str()))
        }
        "decline" => {
            shared.world().decline(&id, now);
            leave(&shared, &record, said.carried())
        }
        "quit" => leave(&shared, &record, said.carried()),
        _ => see(&said.carried().link("")),
    }
}

fn looks_like_an_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// What a proof on the page would be for.
fn aim(world: &World, id: &ActionId) -> Option<Aim> {
    match world.ask(id)? {
        Ask::Proof => Some(Aim::Prove),
        Ask::Enrolment => Some(Aim::Enrol),
        Ask::Nothing | Ask::Closed => None,
    }
}

fn in_words(fault: &Fault) -> &'static str {
    match fault {
        Fault::Wrong => "That code is wrong or has expired. Check it and try again.",
        Fault::TooManyGuesses => "Too many attempts. Wait five minutes, then ask for a new code.",
        Fault::TooManyMessages(_) => "Too many messages. Wait a few minutes, then ask for a new one.",
        Fault::NotSent => "The message couldn’t be sent. Try again.",
        Fault::Vetoed => "The application didn’t accept this. Try again.",
        Fault::NotAsked => "This can’t be confirmed that way.",
    }
}

/// Shows what the action asks for now, and sends a code when the user arrives where one is asked for.
async fn render(shared: &Shared, said: &Said, problem: Option<&'static str>, notice: Option<&'static str>) -> Response {
    let visit = said.carried();
    let record = match shared.action_of(&said.token) {
        Ok(record) => record,
        Err(fault) => return broken(visit, fault),
    };
    let id = ActionId::from(&record);
    let now = shared.clock.now();
    let stage = |world: &mut World| {
        let mut stage = Stage { world, id: &id, record: &record, said, now, wants: None };
        (stage.scene(), stage.wants)
    };
    let ((mut scene, mut panel), wants) = stage(&mut shared.world());
    let mut problem = problem;
    // After a mistake nothing is sent: that would void the code.
    if let Some((aim, method)) = wants.filter(|_| problem.is_none()) {
        let attempt = Attempt { id: &id, scope: Scope::default(), aim, method: &method };
        match shared.send(attempt, None).await {
            Ok(_) => (scene, panel) = stage(&mut shared.world()).0,
            Err(fault) => problem = Some(in_words(&fault)),
        }
    }
    let mut page = Page::about(&record, visit, scene);
    match &page.scene {
        Scene::FirstMethod | Scene::Address { .. } | Scene::AppSetup { .. } => page.eyebrow = "Set up verification",
        Scene::Code { enrolling: true, .. } => page.eyebrow = "Set up verification",
        Scene::End { tone: Tone::Good, .. } => page.eyebrow = "Confirmed",
        Scene::End { tone: Tone::Neutral, .. } => page.eyebrow = "Nothing to confirm",
        Scene::End { tone: Tone::Bad, .. } => page.eyebrow = "Not possible",
        _ => {}
    }
    page.panel = panel;
    page.problem = problem;
    page.notice = notice;
    page.respond(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK })
}

/// What a scene is chosen from.
struct Stage<'a> {
    world: &'a mut World,
    id: &'a ActionId,
    record: &'a RecordedAction,
    said: &'a Said,
    now: SystemTime,
    /// The message that the user waits for and that was not sent yet.
    wants: Option<(Aim, VerificationMethod)>,
}

impl Stage<'_> {
    fn scene(&mut self) -> (Scene, Panel) {
        match self.world.ask(self.id) {
            Some(Ask::Proof) => self.proof(),
            Some(Ask::Enrolment) => self.enrolment(),
            Some(Ask::Nothing) => (end_with_way_on(&self.record.state), Panel::None),
            Some(Ask::Closed) | None => (closed(&self.record.state), Panel::None),
        }
    }

    fn proof(&mut self) -> (Scene, Panel) {
        let mut methods = self.world.provable(self.id);
        methods.retain(|method| [EMAIL, SMS, APP].contains(method));
        let others = methods.len() > 1;
        let wanted = self.said.method();
        if self.said.view == "methods" && others {
            return (Scene::Methods(methods.iter().map(|method| self.choice(method)).collect()), Panel::None);
        }
        match methods.iter().find(|method| **method == wanted).or(methods.first()) {
            Some(&APP) => (Scene::App { others }, self.app_panel(true)),
            Some(method) => self.code(&method.clone(), others, false),
            None => {
                let text = "The only method of this user is one that the emulator’s page can’t ask for.".to_owned();
                (Scene::End { text, tone: Tone::Bad, way_on: Some("Go back") }, Panel::None)
            }
        }
    }

    fn enrolment(&mut self) -> (Scene, Panel) {
        let email_begun = self.usable(Aim::Enrol, &EMAIL).is_some();
        match (self.said.method(), self.said.view.as_str()) {
            (EMAIL, _) if email_begun => self.code(&EMAIL, false, true),
            (EMAIL, _) | (_, "address") => {
                let known = self.world.users.get(self.id.user.as_str()).and_then(|user| user.email.clone());
                let email =
                    if self.said.email.is_empty() { known.unwrap_or_default() } else { self.said.email.clone() };
                (Scene::Address { email }, Panel::None)
            }
            (APP, _) => match self.enrolling_app() {
                Some(app) => {
                    let qr = qr::svg(&app.uri(), "QR code for your authenticator app");
                    (Scene::AppSetup { qr, secret: in_groups(&app.secret()) }, self.app_panel(false))
                }
                None => (Scene::FirstMethod, Panel::None),
            },
            _ => (Scene::FirstMethod, Panel::None),
        }
    }

    fn code(&mut self, method: &VerificationMethod, others: bool, enrolling: bool) -> (Scene, Panel) {
        let aim = if enrolling { Aim::Enrol } else { Aim::Prove };
        let live = self.world.live(self.id, method, self.now).filter(|sent| {
            let usable = self.world.usable(self.id, Scope::default(), aim, method, sent.authenticator.as_deref());
            usable.is_some()
        });
        let live = live.map(|sent| (sent.to.clone().unwrap_or_default(), sent.code().unwrap_or_default().to_owned()));
        if live.is_none() {
            self.wants = Some((aim, method.clone()));
        }
        let to = match &live {
            Some((to, _)) => to.clone(),
            None => self.address(aim, method),
        };
        let panel = match live {
            Some((to, code)) => Panel::Message { to, code, declinable: !enrolling },
            None => Panel::None,
        };
        (Scene::Code { method: wire_name(method), to: masked(&to), enrolling, others }, panel)
    }

    fn usable(&self, aim: Aim, method: &VerificationMethod) -> Option<&Kind> {
        Some(&self.world.usable(self.id, Scope::default(), aim, method, None)?.kind)
    }

    fn address(&self, aim: Aim, method: &VerificationMethod) -> String {
        self.usable(aim, method).and_then(Kind::address).unwrap_or_default().to_owned()
    }

    /// The app that is being enrolled, begun now if it wasn't: the secret stays the same when a page is loaded again.
    fn enrolling_app(&mut self) -> Option<App> {
        if self.usable(Aim::Enrol, &APP).is_none() {
            let user = self.world.user_mut(self.id.user.as_str(), self.now);
            let app = App::generate(user.email.as_deref().unwrap_or(self.id.user.as_str()));
            user.begin(Kind::App { app, last_step: None }, self.now);
        }
        match self.usable(Aim::Enrol, &APP)? {
            Kind::App { app, .. } => Some(app.clone()),
            _ => None,
        }
    }

    fn choice(&self, method: &VerificationMethod) -> Choice {
        let (name, hint) = match *method {
            EMAIL => ("Code by e-mail", masked(&self.address(Aim::Prove, method))),
            SMS => ("Code by text message", masked(&self.address(Aim::Prove, method))),
            _ => ("Authenticator app", "Code from your app".to_owned()),
        };
        Choice { method: wire_name(method), name, hint }
    }

    fn app_panel(&self, declinable: bool) -> Panel {
        match self.usable(if declinable { Aim::Prove } else { Aim::Enrol }, &APP) {
            Some(Kind::App { app, .. }) => {
                Panel::App { code: app.code(self.now), seconds: app.seconds_left(self.now), declinable }
            }
            _ => Panel::None,
        }
    }
}

fn wire_name(method: &VerificationMethod) -> &'static str {
    match *method {
        SMS => "SMS",
        APP => "AUTHENTICATOR_APP",
        _ => "EMAIL_OTP",
    }
}

/// A secret as people read it off: in groups of four.
fn in_groups(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn end_with_way_on(state: &ActionState) -> Scene {
    let (text, tone) = match state {
        ActionState::ChallengeSucceeded => ("You have confirmed this already.", Tone::Good),
        ActionState::ReviewSucceeded => ("This was reviewed and approved.", Tone::Good),
        _ => ("You can carry on without confirming this.", Tone::Neutral),
    };
    Scene::End { text: text.to_owned(), tone, way_on: Some("Continue") }
}

fn closed(state: &ActionState) -> Scene {
    let text = match state {
        ActionState::Block => "This was blocked.",
        ActionState::ChallengeFailed => "The confirmation failed. Go back and begin again.",
        ActionState::ReviewRequired => "This has to be reviewed by a person first.",
        ActionState::ReviewFailed => "This was reviewed and refused.",
        _ => "This can’t be confirmed here.",
    };
    Scene::End { text: text.to_owned(), tone: Tone::Bad, way_on: Some("Go back") }
}

/// Sends the user on with a fresh token: to the application, to the popup's opener, or nowhere.
fn leave(shared: &Shared, record: &RecordedAction, visit: Carried) -> Response {
    let token = shared.token(record);
    if let Some(url) = &record.redirect_url
        && !visit.popup
    {
        return see(&way_back(url, &token));
    }
    let state = shared.action_of(&token).map_or_else(|_| record.state.clone(), |record| record.state);
    let (eyebrow, text, tone) = match state {
        ActionState::ChallengeSucceeded => ("Confirmed", "Thank you.", Tone::Good),
        _ => ("Not confirmed", "Nothing was confirmed.", Tone::Neutral),
    };
    let text = format!("{text} You may close this window.");
    let mut page = Page::about(record, visit, Scene::End { text, tone, way_on: None });
    page.eyebrow = eyebrow;
    if page.visit.popup {
        page.say = Some(Say::close(token));
    }
    page.respond(StatusCode::OK)
}

fn see(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => sealed((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn broken(visit: Carried, fault: TokenFault) -> Response {
    if fault == TokenFault::Invalid {
        return not_a_link(visit);
    }
    let status = StatusCode::UNAUTHORIZED;
    let text = "Links like this one are good for ten minutes. Go back to where you came from and try again.";
    Page::broken(visit, "The link has expired", text, Say::error("expired_token", status)).respond(status)
}

fn not_a_link(visit: Carried) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let text = "It is incomplete or was made for somewhere else. Go back to where you came from and try again.";
    Page::broken(visit, "The link is not valid", text, Say::error("unauthorized", status)).respond(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, taken) in [
            ("ada@example.com", true),
            ("a@b", true),
            ("", false),
            ("ada", false),
            ("@example.com", false),
            ("ada@", false),
            ("ada lovelace@example.com", false),
            ("ada@example.com\0", false),
            (&format!("{}@example.com", "a".repeat(250)), false),
        ] {
            assert_eq!(looks_like_an_address(text), taken, "{text:?}");
        }
    }

    #[test]
    fn secrets_are_read_in_groups() {
        assert_eq!(in_groups("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(in_groups(""), "");
    }
}
