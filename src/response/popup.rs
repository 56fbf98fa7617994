//! What a page in a popup tells the page that opened it.
use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The script that ends a popup.
const SCRIPT: &str = include_str!("../../templates/popup.js");

/// What lets it run, in a policy.
pub(crate) static SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(SCRIPT))));

/// What a page in a popup tells the page that opened it.
#[derive(Clone, Template)]
#[template(
    ext = "html",
    source = r#"<script data-nonce="{{ nonce }}" data-outcome="{{ outcome }}" data-origin="{{ origin }}"{% if let Some(to) = to %} data-to="{{ to }}"{% endif %}>{{ SCRIPT|safe }}</script>"#
)]
pub(crate) struct PopupMessage {
    /// The attempt's key, which the page that opened the popup was given with the challenge, and nobody else.
    pub(crate) nonce: String,
    /// `completed`, `cancelled` or `failed`.
    pub(crate) outcome: &'static str,
    /// Whose page may hear it.
    pub(crate) origin: String,
    /// Where to go on if this is no popup.
    pub(crate) to: Option<String>,
}

impl PopupMessage {
    /// The element that tells it.
    pub(crate) fn element(&self) -> String {
        self.render().expect("a template writes to memory")
    }
}
