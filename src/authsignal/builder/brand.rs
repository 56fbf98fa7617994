//! Settings of how the application's pages of ours are recognised, and which languages they speak.
use std::sync::Arc;

use super::AuthsignalBuilder;
use crate::response::language::Language;

impl AuthsignalBuilder {
    /// The application's name, which stands above each page of ours and in its title. Default: none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, Client};
    /// # fn example() -> Result<(), axum_authsignal::ConfigError> {
    /// let builder = Authsignal::builder(Client::from_env()?)
    ///     .app_name("The small bank")
    ///     .logo("/static/logo.svg")
    ///     .accent_color("#0b6b4f");
    /// # Ok(())
    /// # }
    /// ```
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.brand.name = Some(name.into());
        self
    }

    /// The application's logo, at most 40 pixels high, above each page of ours: a path of the application, without the prefix
    /// that a proxy strips, or an `https` URL. Default: none.
    ///
    /// The pages' policy allows images from this one address. It counts as decoration: what it says, let
    /// [`app_name`](Self::app_name) say.
    pub fn logo(mut self, src: impl Into<String>) -> Self {
        self.brand.logo = Some(src.into());
        self
    }

    /// The colour of the buttons on our pages, as `#rgb` or `#rrggbb`. Default: a blue.
    ///
    /// Any will do: text on it is black or white, whichever can be read, and for links, and on a dark page, it is darkened or
    /// lightened until its contrast is 4.5 (WCAG 2.2, level AA).
    pub fn accent_color(mut self, color: impl Into<String>) -> Self {
        self.brand.accent = Some(color.into());
        self
    }

    /// One more language for our pages, or other words for English, German, French or Spanish. May be given several times.
    /// Default: these four.
    ///
    /// A page is in the language that the browser likes best of them (`Accept-Language`), or else in English. Problem
    /// documents, which programs read, are in English.
    pub fn language(mut self, language: impl Language) -> Self {
        self.languages.push(Arc::new(language));
        self
    }
}
