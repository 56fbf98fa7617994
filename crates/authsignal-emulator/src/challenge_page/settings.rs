//! The menu of the user's methods (docs, "Settings"): add, remove, which is asked for first.
use authsignal_client::VerificationMethod as Method;
use axum::response::Response;

use crate::challenge_page::method::told_apart;
use crate::challenge_page::respond::see;
use crate::challenge_page::scene::{Drawn, Item, Scene, Settings, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::challenge_page::words::text::Text;
use crate::db::Db;
use crate::db::user::Authenticator;
use crate::lifecycle;
use crate::verification::webauthn::Ceremony;
use crate::webhooks::event::WebhookEvent;

const ADD: &str = "add";
const REMOVE: &str = "remove";

impl Visit<'_> {
    pub(super) fn draw_settings(&self, db: &Db, begun: Option<&Ceremony>) -> Drawn {
        let words = self.words;
        let offered = self.addable(db);
        let method = self.params.method();
        if offered.contains(&method) {
            let mut drawn = self.draw_new(db, Task::Settings, &method, begun);
            drawn.eyebrow = words.set_up;
            drawn.heading = Some(words.method(&method).0);
            drawn.ways.push(Way::Link { label: words.use_another, href: self.carried.link(ADD) });
            drawn.ways.push(Way::Link { label: words.cancel, href: self.carried.link("") });
            return drawn;
        }
        if self.params.view == ADD && !offered.is_empty() {
            let mut drawn = self.draw_offered(&offered, words.choose_more);
            drawn.eyebrow = words.your_settings;
            drawn.heading = Some(words.add);
            drawn.ways.push(Way::Link { label: words.cancel, href: self.carried.link("") });
            return drawn;
        }
        if self.params.view == REMOVE
            && let Some(known) = self.removable(db, &self.params.item)
        {
            let text = Text::new(words.remove_ask, &[("*name", &self.named(known))]);
            let mut drawn = Drawn::new(words.your_settings, Scene::Remove(text));
            drawn.heading = Some(words.remove);
            drawn.item = known.id.clone();
            drawn.ways.push(Way::Link { label: words.keep, href: self.carried.link("") });
            return drawn;
        }
        self.draw_menu(db, !offered.is_empty())
    }

    fn draw_menu(&self, db: &Db, may_add: bool) -> Drawn {
        let words = self.words;
        let enrolled = self.user(db).map(|user| user.enrolled()).unwrap_or_default();
        let several = enrolled.len() > 1;
        let first = enrolled.first().map(|known| known.id.as_str());
        let item = |known: &&Authenticator| {
            let remove = self.removable(db, &known.id).is_some();
            Item {
                id: known.id.clone(),
                name: words.method(&known.method()).0,
                hint: told_apart(known).unwrap_or_default(),
                is_default: several && first == Some(known.id.as_str()),
                may_be_default: first != Some(known.id.as_str()) && self.token_context.scope.update,
                remove: remove.then(|| self.carried.link_with(REMOVE, &[("item", &known.id)])),
            }
        };
        let add = may_add.then(|| self.carried.link(ADD));
        let items = enrolled.iter().map(item).collect();
        let mut drawn = Drawn::new(words.your_settings, Scene::Settings(Settings { items, add }));
        drawn.heading = Some(words.methods_heading);
        drawn
    }

    /// What can be added, if anything.
    fn addable(&self, db: &Db) -> Vec<Method> {
        let may = db.may_enrol(self.id(), self.token_context.scope);
        if may { self.enrollable(db, Task::Settings) } else { Vec::new() }
    }

    /// One of the user's methods, if they may remove it: never the last (docs, "Settings").
    fn removable<'w>(&self, db: &'w Db, item: &str) -> Option<&'w Authenticator> {
        let user = self.user(db)?;
        let may = self.token_context.scope.remove && lifecycle::is_open_to_enrolment(&self.state(db));
        let known = user.authenticator(item).filter(|known| known.is_verified())?;
        (may && user.enrolled().len() > 1).then_some(known)
    }

    /// A method as people tell it from others.
    fn named(&self, known: &Authenticator) -> String {
        let name = self.words.method(&known.method()).0;
        match told_apart(known) {
            Some(hint) => format!("{name} ({hint})"),
            None => name.to_owned(),
        }
    }

    /// What has just been added, in words.
    pub(super) fn added(&self) -> Option<String> {
        let db = self.shared.db();
        let known = self.user(&db)?.authenticator(&self.params.item)?;
        Some(self.words.added.replace("{name}", &self.named(known)))
    }

    /// Removes a method.
    pub(super) fn remove(&self) -> Response {
        let user = self.id().user.as_str();
        let removed = {
            // Under one lock, so that of two removals at once one finds the last method.
            let mut db = self.shared.db();
            let may = self.task(&db) == Task::Settings && self.removable(&db, &self.params.item).is_some();
            if may { db.user_mut(user, self.now).remove(&self.params.item) } else { None }
        };
        let Some(removed) = removed else { return self.see("") };
        self.shared.webhooks.tell(&WebhookEvent::authenticator_deleted(user, &removed, self.now));
        see(&self.carried.link_with("", &[("told", "removed")]))
    }

    /// Has a method asked for first.
    pub(super) fn make_default(&self) -> Response {
        let user = self.id().user.as_str();
        let changed = {
            let mut db = self.shared.db();
            let may = self.task(&db) == Task::Settings && self.token_context.scope.update;
            let known = db
                .users
                .get_mut(user)
                .filter(|known| may && known.authenticator(&self.params.item).is_some_and(Authenticator::is_verified));
            known.and_then(|known| {
                known.make_default(&self.params.item);
                known.authenticator(&self.params.item).cloned()
            })
        };
        let Some(changed) = changed else { return self.see("") };
        self.shared.webhooks.tell(&WebhookEvent::authenticator_updated(user, &changed, self.now));
        see(&self.carried.link_with("", &[("told", "default")]))
    }
}
