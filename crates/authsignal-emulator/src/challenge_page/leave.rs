//! How a visit ends.
use authsignal_client::ActionState;
use axum::response::Response;
use http::StatusCode;

use crate::challenge_page::params::Mode;
use crate::challenge_page::respond::see;
use crate::challenge_page::scene::{Drawn, End, Scene, Tone};
use crate::challenge_page::view::Say;
use crate::challenge_page::visit::{Task, Visit};
use crate::db::action::Scope;
use crate::db::proof::Proved;
use crate::http::redirect::way_back;

impl Visit<'_> {
    /// What comes after a proof for `task`: recovery codes if there are new ones, the settings if they were asked for, what
    /// the tenant wants to be set up, and the way back.
    pub(super) fn proved(&self, task: Task, proved: Proved) -> Response {
        let record = &self.token_context.record;
        let mut carried = self.carried.clone();
        let is_beside = carried.mode == Mode::Beside;
        if task == Task::Settings && !is_beside {
            let item = proved.enrolled.map(|added| added.id).unwrap_or_default();
            return see(&carried.link_with("", &[("told", "added"), ("item", &item)]));
        }
        let is_offered = task == Task::Prove && !self.offered(&self.shared.db()).is_empty();
        let stays = (record.redirect_to_settings || is_offered) && task != Task::Offer && !is_beside;
        if stays {
            // Whoever has just proved themselves may manage their methods (docs, "Scopes").
            carried.token = self.shared.token_with(record, Scope::ALL);
        }
        if !proved.recovery_codes.is_empty() {
            let words = self.words;
            let mut drawn = Drawn::new(words.confirmed, Scene::Codes(proved.recovery_codes));
            drawn.heading = Some(words.codes_saved);
            return self.page(carried, drawn).respond(StatusCode::OK);
        }
        if stays { see(&carried.link("")) } else { self.leave() }
    }

    /// To the settings if the user may see them, else back.
    pub(super) fn go_on(&self) -> Response {
        if self.task(&self.shared.db()) == Task::Settings { self.see("") } else { self.leave() }
    }

    /// Sends the user on with a fresh token: to the application, to the popup's opener, or nowhere.
    pub(super) fn leave(&self) -> Response {
        let record = &self.token_context.record;
        let token = self.shared.token(record);
        if let Some(url) = &record.redirect_url
            && self.carried.mode == Mode::Redirect
        {
            return see(&way_back(url, &token));
        }
        let words = self.words;
        let state = self.state(&self.shared.db());
        let (eyebrow, text, tone) = match state {
            ActionState::ChallengeSucceeded => (words.confirmed, words.thank_you, Tone::Good),
            _ => (words.not_confirmed, words.nothing_confirmed, Tone::Neutral),
        };
        let is_beside = self.carried.mode == Mode::Beside;
        let closing = if is_beside { words.back_to_where } else { words.close_window };
        let end = End { text: format!("{text} {closing}"), tone, way_on: None };
        let mut page = self.page(self.carried.clone(), Drawn::new(eyebrow, Scene::End(end)));
        if self.carried.is_popup() {
            page.say = Some(Say::close(token));
        }
        page.respond(StatusCode::OK)
    }
}
