//! What a request says: the query of a link, the fields of a form.
use authsignal_client::VerificationMethod;
use serde::Deserialize;

/// Where a page that waits looks whether it can go on. Such calls are not among those that are remembered.
pub(super) const WAITING: &str = "/emulator/waiting";

/// All that the page's links and forms say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PageParams {
    pub(super) token: String,
    pub(super) mode: String,
    pub(super) force_enrollment: String,
    /// What of the page is wanted: a method, `methods`, `add`, `remove`, or nothing in particular.
    pub(super) view: String,
    /// Which of the user's methods.
    pub(super) item: String,
    /// `1` where the address is asked for again.
    pub(super) change: String,
    /// What has just been done.
    pub(super) told: String,
    /// What a waiting page has seen last.
    pub(super) since: String,
    /// What it waits for.
    pub(super) challenge: String,
    /// What a form is for.
    pub(super) step: String,
    pub(super) code: String,
    pub(super) email: String,
    pub(super) phone: String,
    /// What the browser's passkeys answered, in JSON.
    pub(super) credential: String,
    /// What the emulator's phone answers.
    pub(super) answer: String,
    /// The id of the phone's user.
    pub(super) user: String,
}

impl PageParams {
    pub(super) fn carried(&self) -> Carried {
        let mode = match self.mode.as_str() {
            "popup" => Mode::Popup,
            "beside" => Mode::Beside,
            _ => Mode::Redirect,
        };
        Carried { token: self.token.clone(), mode, force: self.force_enrollment == "true" }
    }

    pub(super) fn method(&self) -> VerificationMethod {
        VerificationMethod::from(self.view.as_str())
    }

    pub(super) fn item(&self) -> Option<&str> {
        Some(self.item.as_str()).filter(|item| !item.is_empty())
    }
}

/// How the page was opened, which decides how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// In the place of the application's page, to which it goes back.
    #[default]
    Redirect,
    /// In a frame or a window of the application's page, which it tells.
    Popup,
    /// In a tab of its own for a page that waits, and that goes on by itself.
    Beside,
}

impl Mode {
    /// Its name in links and forms; none is needed for the default.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Redirect => "",
            Self::Popup => "popup",
            Self::Beside => "beside",
        }
    }
}

/// What every form and link of the page carries on.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    pub(super) token: String,
    pub(super) mode: Mode,
    pub(super) force: bool,
}

impl Carried {
    pub(super) fn is_popup(&self) -> bool {
        self.mode == Mode::Popup
    }

    /// A link to a view of this page.
    pub(super) fn link(&self, view: &str) -> String {
        self.link_with(view, &[])
    }

    /// One that says more.
    pub(super) fn link_with(&self, view: &str, more: &[(&str, &str)]) -> String {
        self.path_with("/", view, more)
    }

    pub(super) fn path_with(&self, path: &str, view: &str, more: &[(&str, &str)]) -> String {
        let force = if self.force { "true" } else { "" };
        let begin = format!("{path}?");
        let length = begin.len();
        let mut query = form_urlencoded::Serializer::for_suffix(begin, length);
        query.append_pair("token", &self.token);
        let known = [("mode", self.mode.name()), ("force_enrollment", force), ("view", view)];
        for (name, value) in known.iter().chain(more).filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_on_what_was_said() {
        let params = PageParams {
            token: "a.b".into(),
            mode: "popup".into(),
            force_enrollment: "true".into(),
            ..PageParams::default()
        };
        let carried = params.carried();
        assert_eq!(carried.link(""), "/?token=a.b&mode=popup&force_enrollment=true");
        assert_eq!(
            carried.link_with("a&b", &[("item", ""), ("told", "ü")]),
            format!("{}&view=a%26b&told=%C3%BC", carried.link(""))
        );
        let plain = PageParams {
            token: "t".into(),
            mode: "window".into(),
            force_enrollment: "1".into(),
            ..PageParams::default()
        };
        assert_eq!(plain.carried().link("SMS"), "/?token=t&view=SMS");
    }
}
