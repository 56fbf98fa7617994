//! One request to the page: who is there, what for, and what they get to see.
use std::net::IpAddr;
use std::time::SystemTime;

use authsignal_client::{ActionState, VerificationMethod};
use axum::response::Response;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::challenge_page::params::{Carried, PageParams};
use crate::challenge_page::respond::{broken, see};
use crate::challenge_page::scene::{Begin, Drawn, End, Panel, Scene, Tone};
use crate::challenge_page::view::Page;
use crate::challenge_page::words::table::Words;
use crate::db::Db;
use crate::db::action::{ActionId, RecordedAction, Scope};
use crate::db::proof::{Aim, Attempt};
use crate::db::user::User;
use crate::lifecycle::{self, Ask};
use crate::state::{AppState, TokenContext};
use crate::verification::VerificationError;
use crate::verification::webauthn::Ceremony;

/// What somebody has come to the page for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// To prove the action.
    Prove,
    /// To enrol a first method, which proves it as well.
    Enrol,
    /// To see their methods.
    Settings,
    /// To set up what they are offered, if they like.
    Offer,
    /// For nothing: there is only a way on.
    Nothing,
    /// For nothing, and there is no way on either.
    Closed,
}

impl Task {
    /// What a proof on the page would be for.
    pub(super) const fn aim(self) -> Option<Aim> {
        match self {
            Self::Prove => Some(Aim::Prove),
            Self::Enrol | Self::Settings | Self::Offer => Some(Aim::Enrol),
            Self::Nothing | Self::Closed => None,
        }
    }

    /// The same, of a view that asks for one.
    pub(super) fn aim_of_view(self) -> Aim {
        self.aim().unwrap_or(Aim::Prove)
    }
}

pub(super) struct Visit<'a> {
    pub(super) shared: &'a AppState,
    pub(super) params: &'a PageParams,
    pub(super) carried: Carried,
    pub(super) words: &'static Words,
    pub(super) token_context: TokenContext,
    pub(super) now: SystemTime,
    /// The browser's `User-Agent`.
    pub(super) user_agent: String,
    /// The origin by which it has reached the page.
    pub(super) origin: String,
    /// Whether the browser has the page at an IP address, where it knows no passkeys.
    pub(super) is_at_an_address: bool,
}

impl<'a> Visit<'a> {
    /// Somebody with a token that is good; the others get a page that says so.
    pub(super) fn open(
        shared: &'a AppState,
        params: &'a PageParams,
        headers: &HeaderMap,
    ) -> Result<Self, Box<Response>> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let carried = params.carried();
        let token_context = shared
            .token_context(&params.token)
            .map_err(|fault| Box::new(broken(carried.clone(), words_for(shared, None, headers), fault)))?;
        Ok(Self {
            shared,
            params,
            words: words_for(shared, Some(&token_context.record), headers),
            carried,
            token_context,
            now: shared.clock.now(),
            user_agent: text(header::USER_AGENT).unwrap_or_default().to_owned(),
            origin: shared.origin_for(headers),
            is_at_an_address: is_at_an_address(headers),
        })
    }

    pub(super) fn id(&self) -> &ActionId {
        &self.token_context.id
    }

    pub(super) fn task(&self, db: &Db) -> Task {
        let (settings, scope) = (self.token_context.record.redirect_to_settings, self.token_context.scope);
        match db.ask(self.id()) {
            Some(Ask::Proof | Ask::Nothing) if settings && scope.is_full() => Task::Settings,
            Some(Ask::Proof) => Task::Prove,
            Some(Ask::Enrolment) => Task::Enrol,
            // Whoever may see the settings without a proof has a token that says so.
            Some(Ask::Nothing) if settings && lifecycle::is_open_to_proof(&self.state(db)) => Task::Prove,
            Some(Ask::Nothing) if scope.is_full() && self.may_be_offered(db) => Task::Offer,
            Some(Ask::Nothing) => Task::Nothing,
            Some(Ask::Closed) | None => Task::Closed,
        }
    }

    fn may_be_offered(&self, db: &Db) -> bool {
        self.state(db) == ActionState::ChallengeSucceeded && !self.offered(db).is_empty()
    }

    /// What the token may do for `task`: only where they are asked to do users add to their methods.
    pub(super) fn scope(&self, task: Task) -> Scope {
        if matches!(task, Task::Settings | Task::Offer) { self.token_context.scope } else { Scope::default() }
    }

    pub(super) fn attempt<'b>(&'b self, task: Task, aim: Aim, method: &'b VerificationMethod) -> Attempt<'b> {
        Attempt { id: self.id(), scope: self.scope(task), aim, method }
    }

    pub(super) fn user<'w>(&self, db: &'w Db) -> Option<&'w User> {
        db.users.get(self.id().user.as_str())
    }

    pub(super) fn state(&self, db: &Db) -> ActionState {
        let action = db.actions.get(self.id());
        action.map_or_else(|| self.token_context.record.state.clone(), |action| action.record.state.clone())
    }

    /// To another view of the page.
    pub(super) fn see(&self, view: &str) -> Response {
        see(&self.carried.link(view))
    }

    /// A view of this page at `localhost`, for what browsers don't do at an address.
    pub(super) fn on_localhost(&self, carried: &Carried, method: &VerificationMethod) -> Option<String> {
        let port = Url::parse(&self.origin).ok()?.port()?;
        Some(format!("http://localhost:{port}{}", carried.link(method.as_str())))
    }

    /// Begins what a scene needs; what the browser has to be given, where it is that.
    async fn begin(&self, task: Task, begin: &Begin) -> Result<Option<Ceremony>, VerificationError> {
        let attempt = self.attempt(task, begin.aim, &begin.method);
        let item = begin.item.as_deref();
        match begin.method {
            VerificationMethod::Passkey | VerificationMethod::SecurityKey => {
                return self.begin_ceremony(task, &begin.method).map(Some);
            }
            VerificationMethod::AuthenticatorApp => self.begin_app(),
            VerificationMethod::Push | VerificationMethod::QrCode => self.ask_phone(&begin.method, item).await?,
            _ => drop(self.shared.send(attempt, item).await?),
        }
        Ok(None)
    }

    /// The page as it is now, after beginning what it waits for: a code is sent when the user arrives where one is asked
    /// for.
    pub(super) async fn show(&self, problem: Option<String>) -> Response {
        let (task, mut drawn) = self.draw(&self.shared.db(), None);
        let mut problem = problem;
        if let Some(begin) = drawn.wants.take()
            && (problem.is_none() || !begin.sends())
        {
            match self.begin(task, &begin).await {
                Ok(begun) => (_, drawn) = self.draw(&self.shared.db(), begun.as_ref()),
                Err(fault) => problem = Some(self.in_words(&fault)),
            }
        }
        if let Some(elsewhere) = &drawn.hop {
            return see(elsewhere);
        }
        let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let notice = self.notice();
        Page { problem, notice, ..self.page(self.carried.clone(), drawn) }.respond(status)
    }

    pub(super) fn page(&self, carried: Carried, drawn: Drawn) -> Page {
        let brand = self.shared.db().tenant.brand();
        Page { brand, ..Page::about(&self.token_context.record, carried, self.words, drawn) }
    }

    fn draw(&self, db: &Db, begun: Option<&Ceremony>) -> (Task, Drawn) {
        let task = self.task(db);
        let mut drawn = match task {
            Task::Prove => self.draw_proof(db, begun),
            Task::Enrol => self.draw_enrolment(db, begun),
            Task::Settings => self.draw_settings(db, begun),
            Task::Offer => self.draw_offer(db, begun),
            Task::Nothing => self.draw_way_on(&self.state(db)),
            Task::Closed => self.draw_closed(&self.state(db)),
        };
        if matches!(task, Task::Prove | Task::Enrol) {
            self.end_by_hand(db, &mut drawn);
        }
        (task, drawn)
    }

    /// Besides what a user does, a challenge can be failed, unless the phone of the panel does that, and its link expire.
    fn end_by_hand(&self, db: &Db, drawn: &mut Drawn) {
        let panel = drawn.panel.get_or_insert_with(|| Panel::new(self.words.by_hand.into(), ""));
        let declines = panel.buttons.iter().any(|press| press.answer == "decline");
        panel.may_fail = !declines && lifecycle::declined(&self.state(db)).is_some();
        panel.may_expire = true;
    }

    fn draw_way_on(&self, state: &ActionState) -> Drawn {
        let words = self.words;
        let (eyebrow, text, tone) = match state {
            ActionState::ChallengeSucceeded => (words.confirmed, words.already_confirmed, Tone::Good),
            ActionState::ReviewSucceeded => (words.confirmed, words.reviewed, Tone::Good),
            _ => (words.nothing_to_confirm, words.carry_on, Tone::Neutral),
        };
        Drawn::new(eyebrow, Scene::End(End { text: text.to_owned(), tone, way_on: Some(words.go_on) }))
    }

    fn draw_closed(&self, state: &ActionState) -> Drawn {
        let words = self.words;
        let text = match state {
            ActionState::Block => words.blocked,
            ActionState::ChallengeFailed => words.failed,
            ActionState::ReviewRequired => words.review_required,
            ActionState::ReviewFailed => words.review_refused,
            _ => words.cant_here,
        };
        let end = End { text: text.to_owned(), tone: Tone::Bad, way_on: Some(words.go_back) };
        Drawn::new(words.not_possible, Scene::End(end))
    }

    /// What has just been done, as the link says that led here.
    fn notice(&self) -> Option<String> {
        let words = self.words;
        let text = match (self.params.told.as_str(), self.params.method()) {
            ("sent", VerificationMethod::EmailMagicLink) => words.link_sent_again,
            ("sent", VerificationMethod::Push) => words.push_sent_again,
            ("sent", VerificationMethod::QrCode) => return None,
            ("sent", _) => words.sent_again,
            ("removed", _) => words.removed,
            ("default", _) => words.made_default,
            ("added", _) => return self.added(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// The language for somebody who is there for an action, or for none that is known.
pub(super) fn words_for(shared: &AppState, record: Option<&RecordedAction>, headers: &HeaderMap) -> &'static Words {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let db = shared.db();
    let user = record.and_then(|record| db.users.get(record.user_id.as_str()));
    let of_user = user.and_then(|user| user.locale.as_deref());
    Words::of(record.and_then(|record| record.locale.as_deref()), of_user, accepted, &db.tenant.locale)
}

/// Whether the browser has asked for an address instead of a name.
fn is_at_an_address(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| host.host().trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn addresses_and_names() {
        for (host, is_address) in [
            ("127.0.0.1:4010", true),
            ("127.0.0.1", true),
            ("[::1]:4010", true),
            ("localhost:4010", false),
            ("mfa.example.com", false),
            ("127.0.0.1.example.com", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(is_at_an_address(&headers), is_address, "{host}");
        }
        assert!(!is_at_an_address(&HeaderMap::new()));
    }
}
