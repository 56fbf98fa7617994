//! What somebody does with a page.
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::html::Target;
use crate::page::{Page, is_silent};
use crate::request::{Initiator, Outgoing};
use crate::words::{CODE_FIELD, CONFIRM};

impl Page {
    /// Proves the challenge in the same browser, and comes back: to the page that was asked for, to a form that waits for
    /// [Continue](crate::words::CONTINUE), or, where a script asked, to the page that says so.
    ///
    /// # Panics
    ///
    /// If there is none, or it cannot be proved any more.
    pub async fn prove(&self) -> Self {
        self.browser.prove(self).await
    }

    /// Fails the challenge for good, and comes back.
    ///
    /// # Panics
    ///
    /// As [`prove`](Self::prove).
    pub async fn decline(&self) -> Self {
        self.browser.decline(self).await
    }

    /// Leaves the challenge without an answer, and comes back.
    ///
    /// # Panics
    ///
    /// As [`prove`](Self::prove).
    pub async fn leave(&self) -> Self {
        self.browser.leave(self).await
    }

    /// Opens the challenge's page, and types a code there, such as a wrong one; what follows is that page, or what it leads
    /// to.
    ///
    /// # Panics
    ///
    /// If there is no challenge, or its page asks for no code.
    pub async fn enter_code(&self, code: &str) -> Self {
        let url = Url::parse(self.challenge_url()).expect("a challenge has a URL");
        let from = Initiator::Page { url: self.last().url.clone(), is_silent: true };
        let page = self.browser.send(Outgoing::page(url, from)).await;
        page.fill(CODE_FIELD, code).press(CONFIRM).await
    }

    /// Types into a field of the page's forms, or chooses a file: a text of this content, which is named after its field.
    ///
    /// # Panics
    ///
    /// If none has that name.
    #[must_use]
    #[track_caller]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let html = self.html();
        if !html.forms.iter().flat_map(|form| &form.fields).any(|(other, _)| other == name) {
            self.fail(&format!("expected a field `{name}`"));
        }
        self.typed.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether there is a button or a link of this name.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.html().pressables.iter().any(|pressable| pressable.label == label)
    }

    /// Presses the button, or follows the link, that is named so. A page can be pressed twice, as by a double click.
    ///
    /// # Panics
    ///
    /// If there is none, it does nothing without a script, or it leads to another site.
    pub async fn press(&self, label: &str) -> Self {
        let outgoing = self.pressed(label);
        self.browser.send(outgoing).await
    }

    #[track_caller]
    fn pressed(&self, label: &str) -> Outgoing {
        let html = self.html();
        let found = html.pressables.iter().find(|pressable| pressable.label == label);
        let Some(pressable) = found else {
            let labels: Vec<_> = html.pressables.iter().map(|other| format!("`{}`", other.label)).collect();
            let others = if labels.is_empty() { "nothing".to_owned() } else { labels.join(", ") };
            self.fail(&format!("expected a button or a link `{label}`, with {others} to press"))
        };
        let initiator = Initiator::Page { url: self.last().url.clone(), is_silent: is_silent(&self.headers) };
        let join = |to: &str| {
            self.last().url.join(to).unwrap_or_else(|why| self.fail(&format!("`{to}` is no address: {why}")))
        };
        match &pressable.target {
            Target::Nothing => self.fail(&format!("`{label}` does nothing without a script")),
            Target::Link(to) => Outgoing::page(join(to), initiator),
            Target::Form { form, field, action } => {
                let form = &html.forms[*form];
                let mut url = join(action.as_ref().unwrap_or(&form.action));
                let mut fields = form.fields.clone();
                for (name, value) in &self.typed {
                    fields.iter_mut().filter(|(other, _)| other == name).for_each(|field| field.1.clone_from(value));
                }
                fields.extend(field.clone());
                if form.is_post {
                    let files = form.is_multipart.then_some(form.files.as_slice());
                    return self.browser.form(url, &fields, files, initiator);
                }
                url.query_pairs_mut().clear().extend_pairs(&fields);
                Outgoing::page(url, initiator)
            }
        }
    }

    /// Asks for the same once more: the page by a reload, a form by sending it again, a script by its own means.
    pub async fn repeat(&self) -> Self {
        self.browser.send(self.asked.clone()).await
    }

    /// Proves the challenge as in a window of Authsignal's own SDK, and repeats the request with the token in the header
    /// `authsignal-token`: no page of the application is gone to.
    ///
    /// # Panics
    ///
    /// As [`prove`](Self::prove).
    pub async fn repeat_with_token(&self) -> Self {
        let back = self.browser.authsignal().emulator().succeed(self.challenge_url());
        let back = back.unwrap_or_else(|why| self.fail(&format!("a challenge can't be proved: {why}")));
        let back = Url::parse(&back).expect("where a challenge leads is a URL");
        let token =
            back.query_pairs().find(|(name, _)| name == "token").expect("a way back has a token").1.into_owned();
        self.browser.send(Outgoing { headers: token_header(&token), ..self.asked.clone() }).await
    }
}

/// The header in which a program brings what its user proved.
fn token_header(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(token).expect("a token is printable ASCII");
    HeaderMap::from_iter([(HeaderName::from_static("authsignal-token"), value)])
}
