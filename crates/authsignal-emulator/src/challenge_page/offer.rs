//! What a tenant wants its users to set up once they have proved themselves: a passkey, most often.
use authsignal_client::VerificationMethod as Method;

use crate::challenge_page::method::ENROLLABLE;
use crate::challenge_page::scene::{Drawn, Way};
use crate::challenge_page::visit::{Task, Visit};
use crate::db::Db;
use crate::db::action::Scope;
use crate::db::user::User;
use crate::verification::webauthn::Ceremony;

impl Visit<'_> {
    /// What the rule that decided, or else the action, wants to be offered; nothing to a user who has one of these.
    pub(super) fn offered(&self, db: &Db) -> Vec<Method> {
        let record = &self.token_context.record;
        let rules = db.tenant.rules.iter();
        let rule =
            rules.filter(|rule| record.priority_rule_id.as_ref() == Some(&rule.id)).map(|rule| &rule.prompt_to_enroll);
        let action = db.tenant.actions.get(record.action.as_str()).map(|action| &action.prompt_to_enroll);
        let Some(wanted) = rule.chain(action).find(|methods| !methods.is_empty()) else { return Vec::new() };
        let enrolled = self.user(db).map(User::enrolled_methods).unwrap_or_default();
        if enrolled.iter().any(|method| wanted.contains(method)) {
            return Vec::new();
        }
        let scope = Scope::parse(Scope::ALL);
        let may = |method: &Method| wanted.contains(method) && db.enrollable(self.id(), scope, method).is_ok();
        ENROLLABLE.into_iter().filter(may).collect()
    }

    pub(super) fn draw_offer(&self, db: &Db, begun: Option<&Ceremony>) -> Drawn {
        let words = self.words;
        let offered = self.offered(db);
        let chosen = offered.iter().find(|method| **method == self.params.method());
        let only = offered.first().filter(|_| offered.len() == 1);
        let mut drawn = match chosen.or(only) {
            Some(method) => self.draw_new(db, Task::Offer, method, begun),
            None => self.draw_offered(&offered, words.choose_offered),
        };
        if chosen.is_some() && only.is_none() {
            drawn.ways.push(Way::Link { label: words.use_another, href: self.carried.link("") });
        }
        drawn.ways.push(Way::Quit(words.not_now));
        drawn.eyebrow = words.confirmed;
        drawn.heading = Some(words.offer_heading);
        drawn
    }
}
